// Reads a stream with a package that is an EventSource, until the server stops it. Writes what it
// saw as lines of JSON. Arguments: the package, the URL, and the names to listen for.

const [name, url, ...names] = process.argv.slice(2);
const loaded = require(name);
const EventSource = loaded.EventSource ?? loaded;

const source = new EventSource(url);
for (const name of names) {
  source.addEventListener(name, ({ type, data, lastEventId }) => {
    console.log(JSON.stringify({ event: type, data, id: lastEventId }));
  });
}
// One of the packages says that it gives up before it does.
source.addEventListener("error", () => setImmediate(() => {
  if (source.readyState === EventSource.CLOSED) process.exit();
}));
