// What both views use. Text of spans only ever becomes text: elements are made here, and nothing is parsed as markup.

/** Makes an element. Attributes that are functions are listeners; children may be nested lists, texts and nothing. */
export function make(name, attributes = {}, ...children) {
  const svg = ["svg", "path"].includes(name);
  const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(key, value);
    else if (key === "style") for (const [property, set] of Object.entries(value)) element.style.setProperty(property, set);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value != null) element.setAttribute(key, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return element;
}

/** Asks the API; what it says is wrong is thrown. */
export async function ask(path) {
  const response = await fetch(path, { headers: { accept: "application/json" } });
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.errors?.[0]?.msg ?? `the server said ${response.status}`);
  return body;
}

/** Microseconds, for people. */
export function duration(micros) {
  if (micros < 1_000) return `${Math.round(micros)} µs`;
  if (micros < 1_000_000) return `${round(micros / 1_000)} ms`;
  if (micros < 120_000_000) return `${round(micros / 1_000_000)} s`;
  return `${round(micros / 60_000_000)} min`;
}

const round = (number) => (number < 10 ? number.toFixed(2) : number < 100 ? number.toFixed(1) : Math.round(number).toString());

/** Microseconds since 1970, as this machine's time. */
export function moment(micros) {
  const date = new Date(micros / 1_000);
  const two = (number, digits = 2) => String(number).padStart(digits, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${two(date.getMilliseconds(), 3)}`;
}

export function bytes(number) {
  if (number < 1 << 20) return `${(number / 1024).toFixed(0)} KiB`;
  return number < 1 << 30 ? `${(number / (1 << 20)).toFixed(0)} MiB` : `${(number / (1 << 30)).toFixed(1)} GiB`;
}

/** A service has the same colour everywhere: it comes from its name. */
export function hue(service) {
  let hash = 2166136261;
  for (const char of service) hash = Math.imul(hash ^ char.codePointAt(0), 16777619);
  return ((hash >>> 0) * 0.618033988749895 % 1) * 360;
}

export const dot = (service) => make("i", { class: "dot", style: { "--hue": hue(service) }, "aria-hidden": "true" });

export const tag = (span, key) => span.tags.find((tag) => tag.key === key)?.value;

export const failed = (span) => tag(span, "error") === true;

/** The span that is nobody's child here; of several the earliest. */
export function root(trace) {
  const known = new Set(trace.spans.map((span) => span.spanID));
  const roots = trace.spans.filter((span) => !known.has(parent(span)));
  return [...(roots.length ? roots : trace.spans)].sort((one, other) => one.startTime - other.startTime)[0];
}

export function parent(span) {
  const own = span.references.filter((reference) => reference.traceID === span.traceID);
  return (own.find((reference) => reference.refType === "CHILD_OF") ?? own[0])?.spanID;
}

/** When a trace starts, and how long it takes. */
export function extent(trace) {
  const start = Math.min(...trace.spans.map((span) => span.startTime));
  const end = Math.max(...trace.spans.map((span) => span.startTime + span.duration));
  return { start, end, duration: end - start };
}

export const notice = (text, kind = "") => make("p", { class: `notice ${kind}`, role: kind === "error" ? "alert" : "status" }, text);
