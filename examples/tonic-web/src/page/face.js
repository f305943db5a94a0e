// One half of the page: prices, how many came, and how the stream ended.
// What comes from the server goes into the page as text, never as HTML.

const TREND = 60;

export class Face {
  #root;
  #rows = new Map();
  #messages = 0;

  constructor(selector) {
    this.#root = document.querySelector(selector);
  }

  #part(name) {
    return this.#root.querySelector(`[data-part="${name}"]`);
  }

  begin(symbols) {
    for (const [symbol, { element }] of this.#rows) {
      if (symbols.includes(symbol)) continue;
      element.remove();
      this.#rows.delete(symbol);
    }
    this.state("connecting");
    this.tell("");
  }

  state(state) {
    this.#part("state").textContent = state;
    this.#part("state").dataset.state = state;
  }

  tell(text) {
    this.#part("end").textContent = text;
    this.#part("end").hidden = !text;
  }

  show(price) {
    this.#part("messages").textContent = ++this.#messages;
    let row = this.#rows.get(price.symbol);
    if (!row) {
      row = newRow(price.symbol);
      this.#rows.set(price.symbol, row);
      this.#part("rows").append(row.element);
    }
    row.prices = [...row.prices, price.price].slice(-TREND);
    showPrice(row, price);
  }
}

function newRow(symbol) {
  const element = document.querySelector("#price-row").content.firstElementChild.cloneNode(true);
  element.querySelector("th").textContent = symbol;
  return { element, prices: [] };
}

function showPrice({ element, prices }, { price, change, time }) {
  const part = (selector) => element.querySelector(selector);
  const direction = change > 0 ? "up" : change < 0 ? "down" : "flat";
  const arrow = { up: "▲", down: "▼", flat: "■" }[direction];
  part(".price").textContent = price.toFixed(2);
  part(".change").textContent = `${arrow} ${(change > 0 ? "+" : "") + change.toFixed(2)}`;
  part(".change").className = `change ${direction}`;
  part(".trend").className = `trend ${direction}`;
  part(".time").textContent = new Date(time).toLocaleTimeString();
  part("polyline").setAttribute("points", points(prices));
}

function points(prices) {
  const low = Math.min(...prices);
  const range = Math.max(...prices) - low || 1;
  const step = 100 / Math.max(prices.length - 1, 1);
  return prices.map((price, i) => `${i * step},${25 - (22 * (price - low)) / range}`).join(" ");
}
