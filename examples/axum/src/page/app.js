// What comes from the server goes into the page as text, never as HTML.

const $ = (selector, root = document) => root.querySelector(selector);
const fromTemplate = (id) => $(`#${id}`).content.firstElementChild.cloneNode(true);

// The connection

const TRY_AGAIN = 5000;
const listeners = new Map();
let lastId = "";
let events = 0;
let retries = 0;

function connect() {
  // A source of its own begins without an id; the server takes it from here as well.
  const source = new EventSource(`/sse/live?${new URLSearchParams({ lastEventId: lastId })}`);
  source.onopen = () => {
    showState("open");
    notice("");
  };
  source.onerror = () => {
    $("#retries").textContent = ++retries;
    showState("reconnecting");
    // The browser reconnects by itself, but not after a status like 429 or a proxy's 502.
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, TRY_AGAIN);
  };
  for (const [name, show] of listeners) {
    source.addEventListener(name, (event) => {
      lastId = event.lastEventId;
      $("#last-id").textContent = lastId || "–";
      $("#events").textContent = ++events;
      show(event);
    });
  }
}

function on(name, show) {
  listeners.set(name, show);
}

function showState(state) {
  $("#state").textContent = state;
  $("#state").dataset.state = state;
}

function notice(text) {
  $("#gap").textContent = text;
  $("#gap").hidden = !text;
}

on("gap", ({ data }) => {
  const { missed } = JSON.parse(data);
  notice(`Some events were missed (${missed ?? "nobody knows how many"}). What follows is all there is.`);
});
on("bye", ({ data }) => notice(`Goodbye: ${data}. The page comes back by itself.`));

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

// Tokens: a stream of their own, opened on demand

const stop = $("#tokens button.quiet");
const answer = $("#tokens .answer");
let tokens;

function stopTokens() {
  tokens?.close();
  stop.disabled = true;
  answer.classList.remove("busy");
}

$("#tokens form").onsubmit = (event) => {
  event.preventDefault();
  stopTokens();
  answer.textContent = "";
  answer.classList.add("busy");
  stop.disabled = false;
  const prompt = new FormData(event.target).get("prompt");
  tokens = new EventSource(`/sse/ai/stream?${new URLSearchParams({ prompt })}`);
  tokens.addEventListener("token", ({ data }) => answer.append(JSON.parse(data).token));
  // Without this, the browser would come back for more.
  tokens.addEventListener("done", stopTokens);
  tokens.onerror = () => {
    if (tokens.readyState !== EventSource.CLOSED) return;
    stopTokens();
    answer.append(" (the server refused the stream)");
  };
};
stop.onclick = stopTokens;

// Statistics

on("stats", ({ data }) => {
  for (const [name, number] of Object.entries(JSON.parse(data))) {
    const field = $(`[data-stat="${CSS.escape(name)}"]`);
    if (field) field.textContent = number ?? "none";
  }
});

connect();
