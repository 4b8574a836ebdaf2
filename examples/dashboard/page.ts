/** The page: it draws what `/events` sends. Everything from the log is set as text, never as HTML. */
export const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Waybill</title>
<style>
  :root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); --dim: color-mix(in srgb, currentColor 60%, transparent); }
  body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1.5rem; }
  h1 { font-size: 1.4rem; margin: 0 0 .25rem; }
  h2 { font-size: 1rem; margin: 2rem 0 .5rem; }
  p { color: var(--dim); margin: 0; }
  table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
  th { color: var(--dim); font-weight: 500; text-align: left; }
  th, td { border-bottom: 1px solid var(--line); padding: .4rem .75rem .4rem 0; vertical-align: top; }
  td.number, th.number { text-align: right; }
  .number + :not(.number) { padding-left: 1rem; }
  .status { border-radius: 1rem; padding: .1rem .6rem; background: var(--line); white-space: nowrap; }
  .running, .starting { background: #2563eb; color: #fff; }
  .asking, .waiting, .queued { background: #d97706; color: #fff; }
  .parked { background: #dc2626; color: #fff; }
  .idle { background: #16a34a; color: #fff; }
  .empty { color: var(--dim); }
</style>
</head>
<body>
<h1>Waybill</h1>
<p id="state">Connecting…</p>
<main id="main"></main>
<script type="module">
const main = document.getElementById("main");
const state = document.getElementById("state");
let table = null;

const element = (name, text, className) => {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
};
const age = (since) => {
  const seconds = Math.max(0, Math.round((Date.now() - since) / 1000));
  if (seconds < 60) return seconds + " s";
  if (seconds < 3600) return Math.floor(seconds / 60) + " min";
  if (seconds < 172800) return Math.floor(seconds / 3600) + " h";
  return Math.floor(seconds / 86400) + " d";
};
const dollars = (usd) => "$" + usd.toFixed(2);
const asked = ({ type, ...rest }) => type + " " + Object.values(rest).map((each) => typeof each === "string" ? each : Array.isArray(each) ? each.join(" / ") : JSON.stringify(each)).join(" · ");
const status = (word) => element("span", word, "status " + word);

function section(title, columns, rows, none) {
  main.append(element("h2", title + (rows.length > 0 ? " (" + rows.length + ")" : "")));
  if (rows.length === 0) return main.append(element("p", none, "empty"));
  const drawn = element("table");
  const head = drawn.createTHead().insertRow();
  for (const [name, , kind] of columns) head.append(element("th", name, kind));
  const body = drawn.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    for (const [, value, kind] of columns) {
      const cell = line.insertCell();
      if (kind) cell.className = kind;
      cell.append(value(row));
    }
  }
  main.append(drawn);
}

function draw() {
  if (table === null) return;
  main.replaceChildren();
  const ended = (row) => row.status === "closed" || row.status === "stopped";
  section("Open sessions", [
    ["session", (row) => row.id],
    ["agent", (row) => row.agent.name],
    ["status", (row) => status(row.status)],
    ["for", (row) => age(row.since), "number"],
    ["open for", (row) => age(row.openedAt), "number"],
    ["messages", (row) => String(row.messages), "number"],
    ["run", (row) => row.run ?? "–"],
    ["cost", (row) => dollars(row.costUsd) + (row.capUsd === null ? "" : " of " + dollars(row.capUsd)), "number"],
  ], table.sessions.filter((row) => !ended(row)), "None.");
  section("Waits for a person", [
    ["session", (row) => row.session],
    ["asks", (row) => asked(row.operation)],
    ["since", (row) => age(row.requestedAt), "number"],
  ], table.approvals, "Nothing.");
  section("On the way to the board", [
    ["session", (row) => row.session],
    ["operation", (row) => asked(row.operation)],
    ["tries", (row) => String(row.attempts), "number"],
    ["since", (row) => age(row.requestedAt), "number"],
  ], table.outbox, "Nothing.");
  section("Given up", [
    ["session", (row) => row.session],
    ["operation", (row) => asked(row.operation)],
    ["tries", (row) => String(row.attempts), "number"],
  ], table.deadLetters, "Nothing.");
  section("Agents", [
    ["agent", (row) => row.slug],
    ["sessions", (row) => String(row.sessions), "number"],
    ["messages", (row) => String(row.messages), "number"],
    ["turns", (row) => String(row.turns), "number"],
    ["failed turns", (row) => String(row.outcomes.failed), "number"],
    ["runs", (row) => String(row.runs), "number"],
    ["failed runs", (row) => String(row.failedRuns), "number"],
    ["delivered", (row) => String(row.operationsDelivered), "number"],
    ["cost", (row) => dollars(row.costUsd), "number"],
  ], table.agents, "None.");
  const done = table.sessions.filter(ended).length;
  state.textContent = "Live. " + done + (done === 1 ? " session has" : " sessions have") + " ended.";
}

const source = new EventSource("/events");
source.onmessage = ({ data }) => { table = JSON.parse(data); draw(); };
source.onerror = () => { state.textContent = "The connection is lost; trying again…"; };
setInterval(draw, 5000);
</script>
</body>
</html>
`;
