// The form, and what it finds.
import { ask, dot, duration, extent, failed, hue, make, moment, notice, root } from "./shared.js";

const LOOKBACKS = { "5m": "5 minutes", "15m": "15 minutes", "1h": "hour", "6h": "6 hours", "24h": "day", "48h": "2 days" };
const ORDERS = {
  recent: ["Newest first", (one, other) => other.start - one.start],
  longest: ["Longest first", (one, other) => other.duration - one.duration],
  shortest: ["Shortest first", (one, other) => one.duration - other.duration],
  spans: ["Most spans first", (one, other) => other.trace.spans.length - one.trace.spans.length],
};

export async function showSearch(main) {
  document.title = "Traces";
  const given = new URLSearchParams(location.search);
  const results = make("section", { class: "results", "aria-label": "Traces that were found" });
  const services = await ask("/api/services").then((body) => body.data ?? [], () => []);
  const form = searchForm(services, given, results);
  main.replaceChildren(make("div", { class: "search" }, form, results));
  if (services.length === 0) {
    results.replaceChildren(notice("No traces yet. Send some by OTLP to port 4317 (gRPC) or 4318 (HTTP)."));
  } else if (given.get("service")) find(form, results);
  else results.replaceChildren(notice("Choose what to look for. Values of attributes are found quickly, however rare."));
}

function searchForm(services, given, results) {
  const option = (value, text, chosen) => make("option", { value, selected: value === chosen }, text);
  const operation = make("select", { name: "operation", id: "operation" }, option("", "all", given.get("operation") ?? ""));
  const fill = async (chosen) => {
    const names = await ask(`/api/services/${encodeURIComponent(service.value)}/operations`).then((body) => body.data ?? [], () => []);
    operation.replaceChildren(option("", "all", chosen), ...names.map((name) => option(name, name, chosen)));
  };
  const service = make(
    "select",
    { name: "service", id: "service", autofocus: true, change: () => fill("") },
    services.map((name) => option(name, name, given.get("service"))),
  );
  const text = (name, placeholder) => make("input", { name, id: name, placeholder, value: given.get(name) ?? "", spellcheck: "false", autocomplete: "off" });
  const field = (label, input, help) => make("label", {}, make("span", {}, label), input, help && make("small", {}, help));
  const form = make(
    "form",
    { class: "form", submit: (event) => { event.preventDefault(); remember(form); find(form, results); } },
    field("Service", service),
    field("Operation", operation),
    field("Attributes", text("tags", "http.response.status_code=500 error=true"), "key=value, with spaces between; \"quotes\" around values that have some"),
    make("div", { class: "pair" }, field("At least", text("minDuration", "5ms")), field("At most", text("maxDuration", "1.5s"))),
    make(
      "div",
      { class: "pair" },
      field("Of the last", make("select", { name: "lookback", id: "lookback" }, Object.entries(LOOKBACKS).map(([value, name]) => option(value, name, given.get("lookback") ?? "1h")))),
      field("How many", make("input", { name: "limit", id: "limit", type: "number", min: 1, max: 1000, value: given.get("limit") ?? 20 })),
    ),
    make("button", { type: "submit" }, "Find traces"),
  );
  if (services.length) fill(given.get("operation") ?? "");
  if (given.get("operation")) operation.append(option(given.get("operation"), given.get("operation"), given.get("operation")));
  return form;
}

/** `a=b c="d e"` as pairs; JSON, as Jaeger's page has it, as it is. */
export function attributes(text) {
  if (text.trim().startsWith("{")) return JSON.parse(text);
  const pairs = text.matchAll(/([^\s=]+)=(?:"([^"]*)"|(\S*))/g);
  return Object.fromEntries([...pairs].map(([, key, quoted, plain]) => [key, quoted ?? plain]));
}

function remember(form) {
  const values = [...new FormData(form)].filter(([, value]) => value !== "");
  history.replaceState(null, "", `/search?${new URLSearchParams(values)}`);
}

async function find(form, results) {
  results.setAttribute("aria-busy", "true");
  try {
    const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
    if (query.get("tags")) query.set("tags", JSON.stringify(attributes(query.get("tags"))));
    const { data } = await ask(`/api/traces?${query}`);
    list(results, data.map((trace) => ({ trace, root: root(trace), ...extent(trace) })), "recent");
  } catch (error) {
    results.replaceChildren(notice(error.message, "error"));
  }
  results.removeAttribute("aria-busy");
}

function list(results, found, order) {
  if (found.length === 0) return results.replaceChildren(notice("Nothing like that was found."));
  const longest = Math.max(...found.map((one) => one.duration), 1);
  const choice = make(
    "select",
    { "aria-label": "Order", change: (event) => list(results, found, event.target.value) },
    Object.entries(ORDERS).map(([value, [name]]) => make("option", { value, selected: value === order }, name)),
  );
  const rows = [...found].sort(ORDERS[order][1]).map((one) => make("li", {}, row(one, longest)));
  const count = `${found.length} ${found.length === 1 ? "trace" : "traces"}`;
  results.replaceChildren(make("div", { class: "bar" }, make("h1", {}, count), choice), make("ol", { class: "traces" }, rows));
}

function row({ trace, root, start, duration: takes }, longest) {
  const counts = new Map();
  for (const span of trace.spans) {
    const service = trace.processes[span.processID].serviceName;
    counts.set(service, (counts.get(service) ?? 0) + 1);
  }
  const errors = trace.spans.filter(failed).length;
  const service = trace.processes[root.processID].serviceName;
  return make(
    "a",
    { class: "trace", href: `/trace/${trace.traceID}`, style: { "--hue": hue(service), "--part": `${(100 * takes) / longest}%` } },
    make("span", { class: "name" }, make("b", {}, service), " ", root.operationName),
    make("span", { class: "takes" }, duration(takes)),
    make(
      "span",
      { class: "about" },
      make("span", {}, `${trace.spans.length} ${trace.spans.length === 1 ? "span" : "spans"}`),
      errors > 0 && make("span", { class: "bad" }, `${errors} ${errors === 1 ? "error" : "errors"}`),
      [...counts].sort().map(([name, count]) => make("span", { class: "service" }, dot(name), `${name} ${count}`)),
    ),
    make("span", { class: "when" }, moment(start)),
  );
}
