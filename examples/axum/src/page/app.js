// The parts of the page, and what each does with the events it is for.

import { connect, isCut, on, onCut } from "./connection.js";
import { $, fromTemplate } from "./dom.js";

// Stocks

const TREND = 60;
const stocks = new Map();

on("stockUpdate", ({ data }) => {
  const update = JSON.parse(data);
  let stock = stocks.get(update.symbol);
  if (!stock) {
    stock = { row: fromTemplate("stock-row"), prices: [] };
    $("th", stock.row).textContent = update.symbol;
    $("#stocks tbody").append(stock.row);
    stocks.set(update.symbol, stock);
  }
  stock.prices = [...stock.prices, update.price].slice(-TREND);
  showStock(stock, update);
});

function showStock({ row, prices }, { price, change, changePercent }) {
  const direction = change > 0 ? "up" : change < 0 ? "down" : "flat";
  const arrow = { up: "▲", down: "▼", flat: "■" }[direction];
  const signed = (number) => (number > 0 ? "+" : "") + number.toFixed(2);
  $(".price", row).textContent = price.toFixed(2);
  $(".change", row).textContent = `${arrow} ${signed(change)} (${signed(changePercent)} %)`;
  $(".change", row).className = `change ${direction}`;
  $(".trend", row).className = `trend ${direction}`;
  $("polyline", row).setAttribute("points", points(prices));
}

function points(prices) {
  const low = Math.min(...prices);
  const range = Math.max(...prices) - low || 1;
  const step = 100 / Math.max(prices.length - 1, 1);
  return prices.map((price, i) => `${i * step},${25 - (22 * (price - low)) / range}`).join(" ");
}

// Orders

const ORDERS = 4;
const orders = new Map();
const words = (status) => status.replace(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

on("order-update", ({ data }) => {
  const { orderId, status, step, steps } = JSON.parse(data);
  let item = orders.get(orderId);
  if (!item) {
    item = fromTemplate("order-item");
    $("b", item).textContent = `#${orderId}`;
    $("#orders > ol").prepend(item);
    orders.set(orderId, item);
    $("#orders .empty").hidden = true;
    while ($("#orders > ol").children.length > ORDERS) $("#orders > ol").lastElementChild.remove();
  }
  $("span", item).textContent = words(status);
  item.classList.toggle("delivered", step === steps);
  [...$(".steps", item).children].forEach((bar, i) => bar.classList.toggle("done", i < step));
});

$("#orders button").onclick = () => {
  const id = Math.random().toString(36).slice(2, 8);
  fetch(`/orders/${id}/simulate`, { method: "POST" });
};

// Notifications

const NOTIFICATIONS = 6;

on("notification", (event) => {
  const { type, data } = JSON.parse(event.data);
  const item = fromTemplate("notification-item");
  $("b", item).textContent = type;
  $("span", item).textContent = typeof data === "string" ? data : JSON.stringify(data);
  $("time", item).textContent = new Date().toLocaleTimeString();
  const list = $("#notifications ul");
  list.prepend(item);
  while (list.children.length > NOTIFICATIONS) list.lastElementChild.remove();
  $("#notifications .empty").hidden = true;
});

$("#notifications form").onsubmit = async (event) => {
  event.preventDefault();
  const { type, data } = Object.fromEntries(new FormData(event.target));
  const response = await fetch("/api/notifications", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ type, data }),
  });
  const problem = $("#notifications .problem");
  problem.hidden = response.ok;
  problem.textContent = response.ok ? "" : (await response.json()).error;
};

// Tokens: an answer is made whether it is read or not. So it is asked for once, and then read in a
// stream of its own, from wherever this page had come to.

const stop = $("#tokens button.quiet");
const answer = $("#tokens .answer");
const note = $("#tokens .note");
let reading;

$("#tokens form").onsubmit = async (event) => {
  event.preventDefault();
  endReading();
  answer.textContent = "";
  note.textContent = "";
  const prompt = new FormData(event.target).get("prompt");
  const response = await fetch("/api/ai/answers", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ prompt }),
  });
  const { stream, error } = await response.json();
  if (!response.ok) {
    note.textContent = error;
    return;
  }
  reading = { stream, lastId: "", tokens: 0, parts: [] };
  answer.classList.add("busy");
  stop.disabled = false;
  if (!isCut()) read(reading);
};
stop.onclick = endReading;

function read(reading) {
  const { stream, lastId } = reading;
  const source = new EventSource(`${stream}?${new URLSearchParams({ lastEventId: lastId })}`);
  reading.source = source;
  const listen = (name, show) =>
    source.addEventListener(name, (event) => {
      reading.lastId = event.lastEventId;
      show(event);
    });
  listen("answer", () => {});
  listen("token", ({ data }) => {
    reading.tokens++;
    answer.append(JSON.parse(data).token);
    showParts(reading, "");
  });
  listen("gap", () => answer.append(" [some tokens are not kept any more] "));
  // Without this, the browser would come back to be told that there is no more.
  listen("done", endReading);
  source.onerror = () => {
    if (source.readyState !== EventSource.CLOSED) return;
    note.textContent = "The server does not have this answer any more.";
    endReading();
  };
}

function endReading() {
  reading?.source?.close();
  reading = undefined;
  stop.disabled = true;
  answer.classList.remove("busy");
}

onCut((isAway) => {
  if (!reading) return;
  if (isAway) {
    reading.source?.close();
    showParts(reading, ", and the answer goes on");
    reading.parts.push(reading.tokens);
    reading.tokens = 0;
  } else {
    read(reading);
  }
});

function showParts({ parts, tokens }, then) {
  const words = [...parts, tokens].map((count) => `${count} tokens`);
  note.textContent = words.join(", cut off, ") + then;
}

// Statistics

on("stats", ({ data }) => {
  const { hub, ...stats } = JSON.parse(data);
  for (const [name, number] of Object.entries({ ...stats, ...hub })) {
    const field = $(`[data-stat="${CSS.escape(name)}"]`);
    if (field) field.textContent = number ?? "none";
  }
});

connect();
