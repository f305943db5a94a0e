// The messages of prices.proto. A price comes out as it does in JSON.

import { double, fields, string, text } from "/protobuf.js";

export const WATCH = "/prices.v1.Prices/Watch";

export function writeWatchRequest({ symbols }) {
  return new Uint8Array(symbols.flatMap((symbol) => string(1, symbol)));
}

export function readPrice(bytes) {
  const price = { symbol: "", price: 0, change: 0, time: null };
  for (const [field, value] of fields(bytes)) {
    if (field === 1) price.symbol = text(value);
    else if (field === 2) price.price = double(value);
    else if (field === 3) price.change = double(value);
    else if (field === 4) price.time = readTime(value);
  }
  return price;
}

function readTime(bytes) {
  let millis = 0;
  for (const [field, value] of fields(bytes)) {
    if (field === 1) millis += value * 1000;
    else if (field === 2) millis += value / 1e6;
  }
  return new Date(millis).toISOString();
}
