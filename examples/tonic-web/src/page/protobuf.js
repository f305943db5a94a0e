// As much of protocol buffers as two small messages need.

const VARINT = 0;
const FIXED_64 = 1;
const BYTES = 2;
const FIXED_32 = 5;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

// Writing: each answers an array of bytes.

function varint(number) {
  const bytes = [];
  for (; number > 127; number = Math.floor(number / 128)) bytes.push((number % 128) | 128);
  return [...bytes, number];
}

export const number = (field, value) => [...varint(field * 8 + VARINT), ...varint(value)];

export function string(field, value) {
  const bytes = encoder.encode(value);
  return [...varint(field * 8 + BYTES), ...varint(bytes.length), ...bytes];
}

// Reading

export const text = (bytes) => decoder.decode(bytes);
export const double = (bytes) => new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0, true);

// Yields [field, value]: numbers as numbers (exact up to 2 ** 53), all else as its bytes.
export function* fields(bytes) {
  let at = 0;
  function take(length) {
    if (at + length > bytes.length) throw new RangeError("a message was cut short");
    at += length;
    return bytes.subarray(at - length, at);
  }
  function takeVarint() {
    let value = 0;
    for (let worth = 1; ; worth *= 128) {
      const [byte] = take(1);
      value += (byte & 127) * worth;
      if (byte < 128) return value;
    }
  }
  const kinds = {
    [VARINT]: takeVarint,
    [FIXED_64]: () => take(8),
    [BYTES]: () => take(takeVarint()),
    [FIXED_32]: () => take(4),
  };
  while (at < bytes.length) {
    const key = takeVarint();
    const takeValue = kinds[key % 8];
    if (!takeValue) throw new RangeError("a field is of no known kind");
    yield [Math.floor(key / 8), takeValue()];
  }
}
