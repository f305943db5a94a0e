// Shows the time and the log. Whatever arrives is text, never markup.

const MAX_LINES = 2000;

const log = document.getElementById("log");
const state = document.getElementById("state");

function add(kind, text) {
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  const line = document.createElement("li");
  line.className = kind;
  line.textContent = text;
  log.append(line);
  while (log.childElementCount > MAX_LINES) log.firstElementChild.remove();
  if (atEnd) log.scrollTop = log.scrollHeight;
}

const time = new EventSource("/sse/time");
time.addEventListener("time", (event) => {
  const now = JSON.parse(event.data).time;
  const shown = document.getElementById("time");
  shown.dateTime = now;
  shown.textContent = new Date(now).toLocaleTimeString();
});

const logs = new EventSource("/sse/logs");
logs.addEventListener("open", () => { state.textContent = "live"; });
logs.addEventListener("error", () => {
  state.textContent = logs.readyState === EventSource.CLOSED ? "over" : "reconnecting";
});
logs.addEventListener("stdout", (event) => add("stdout", event.data));
logs.addEventListener("stderr", (event) => add("stderr", event.data));
logs.addEventListener("gap", (event) => {
  const { reason, missed } = JSON.parse(event.data);
  add("note", missed === null ? `lines are missing (${reason})` : `${missed} lines are missing (${reason})`);
});
logs.addEventListener("exit", (event) => {
  const { code, signal } = JSON.parse(event.data);
  add("note", signal === null ? `the command ended with status ${code}` : `the command was ended by signal ${signal}`);
});
