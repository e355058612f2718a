// One trace as a waterfall.
import { ask, dot, duration, extent, failed, hue, make, moment, notice, parent, tag } from "./shared.js";

const TICKS = 5;

export async function showTrace(main, id) {
  document.title = `Trace ${id}`;
  try {
    const { data } = await ask(`/api/traces/${encodeURIComponent(id)}`);
    draw(main, data[0]);
  } catch (error) {
    const why = error.message === "trace not found" ? "This trace is not here. It may not have arrived yet, or have been dropped for newer ones." : error.message;
    main.replaceChildren(notice(why, "error"));
  }
}

/** Spans with their depth, each below its parent, in the order of their starts. */
function nested(trace) {
  const known = new Map(trace.spans.map((span) => [span.spanID, span]));
  const children = new Map();
  for (const span of [...trace.spans].sort((one, other) => one.startTime - other.startTime)) {
    const above = known.has(parent(span)) && parent(span) !== span.spanID ? parent(span) : null;
    children.set(above, [...(children.get(above) ?? []), span]);
  }
  const rows = [];
  const seen = new Set();
  // No recursion: a chain of calls may be long. A span that is its own ancestor is shown once, at the end.
  const walk = (first) => {
    const stack = [...first].reverse().map((span) => [span, 0, []]);
    while (stack.length) {
      const [span, depth, above] = stack.pop();
      if (seen.has(span)) continue;
      seen.add(span);
      const below = children.get(span.spanID) ?? [];
      rows.push({ span, depth, above, below: below.length, missing: depth === 0 && parent(span) });
      stack.push(...[...below].reverse().map((child) => [child, depth + 1, [...above, span.spanID]]));
    }
  };
  walk(children.get(null) ?? []);
  walk(trace.spans.filter((span) => !seen.has(span)));
  return rows;
}

function draw(main, trace) {
  const rows = nested(trace);
  const { start, duration: whole } = extent(trace);
  const first = rows[0].span;
  const serviceOf = (span) => trace.processes[span.processID].serviceName;
  document.title = `${serviceOf(first)}: ${first.operationName}`;
  const services = new Set(trace.spans.map(serviceOf));
  const errors = trace.spans.filter(failed).length;
  const fact = (name, value, kind) => make("div", { class: kind }, make("dt", {}, name), make("dd", {}, value));
  const head = make(
    "div",
    { class: "head" },
    make("h1", {}, make("b", {}, serviceOf(first)), " ", first.operationName),
    make("p", { class: "id" }, trace.traceID, " ", make("a", { href: `/api/traces/${trace.traceID}?prettyPrint=true` }, "JSON")),
    make(
      "dl",
      {},
      fact("Start", moment(start)),
      fact("Duration", duration(whole)),
      fact("Spans", trace.spans.length),
      fact("Services", services.size),
      fact("Depth", Math.max(...rows.map((row) => row.depth)) + 1),
      errors > 0 && fact("Errors", errors, "bad"),
    ),
    make("p", { class: "legend" }, [...services].sort().map((name) => make("span", { class: "service" }, dot(name), name))),
  );
  const axis = make(
    "div",
    { class: "axis", "aria-hidden": "true" },
    make("span", { class: "label" }, "Service and operation"),
    make("span", { class: "ticks" }, [...Array(TICKS).keys()].map((tick) => make("i", { style: { left: `${(100 * tick) / (TICKS - 1)}%` } }, duration((whole * tick) / (TICKS - 1))))),
  );
  const tree = make("div", { class: "waterfall", role: "tree", "aria-label": "Spans" });
  const folded = new Set();
  const hide = () => {
    for (const element of tree.querySelectorAll(".row")) {
      const hidden = element.row.above.some((above) => folded.has(above));
      element.parentElement.hidden = hidden;
    }
  };
  tree.append(...rows.map((row) => spanRow(row, { start, whole, serviceOf, trace, folded, hide })));
  tree.addEventListener("keydown", (event) => move(event, tree));
  main.replaceChildren(head, make("div", { class: "panel" }, axis, tree));
  tree.querySelector(".row").tabIndex = 0;
  const wanted = location.hash && document.getElementById(location.hash.slice(1));
  if (wanted) {
    wanted.click();
    wanted.scrollIntoView({ block: "center" });
  }
}

function spanRow(row, { start, whole, serviceOf, trace, folded, hide }) {
  const { span, depth, below } = row;
  const service = serviceOf(span);
  const left = whole ? (100 * (span.startTime - start)) / whole : 0;
  const width = whole ? (100 * span.duration) / whole : 100;
  const fold = below > 0 && make("button", { class: "fold", tabindex: "-1", "aria-label": `${below} below`, click: (event) => {
    event.stopPropagation();
    const shut = !folded.delete(span.spanID) && folded.add(span.spanID);
    element.classList.toggle("shut", Boolean(shut));
    element.setAttribute("aria-expanded", String(!shut));
    hide();
  } });
  const element = make(
    "div",
    { class: `row${failed(span) ? " failed" : ""}`, id: `span-${span.spanID}`, role: "treeitem", tabindex: "-1", "aria-level": depth + 1, "aria-expanded": below > 0 ? "true" : null,
      "aria-label": `${service}, ${span.operationName}, ${duration(span.duration)}${failed(span) ? ", error" : ""}`,
      style: { "--hue": hue(service), "--depth": Math.min(depth, 24), "--left": `${left}%`, "--width": `${width}%` },
      click: () => toggle(element, span, trace, start) },
    make("span", { class: "label" }, fold || make("i", { class: "leaf" }), failed(span) && make("i", { class: "mark", title: "error" }, "!"), make("b", {}, service), " ", make("span", { class: "operation" }, span.operationName)),
    make("span", { class: "lane" }, make("i", { class: "span" }), span.logs.map((log) => make("i", { class: "event", style: { left: `${whole ? (100 * (log.timestamp - start)) / whole : 0}%` } })), make("i", { class: left + width > 82 ? "takes before" : "takes" }, duration(span.duration))),
  );
  element.row = row;
  element.fold = fold;
  return make("div", { class: "line", role: "none" }, element);
}

function toggle(row, span, trace, start) {
  const line = row.parentElement;
  const open = line.querySelector(".details");
  row.classList.toggle("open", !open);
  if (open) return open.remove();
  line.append(details(span, trace, start, row.row));
  history.replaceState(null, "", `#span-${span.spanID}`);
}

function table(pairs) {
  return make("table", {}, make("tbody", {}, pairs.map(({ key, value, type }) =>
    make("tr", {}, make("th", { scope: "row" }, key), make("td", { class: type }, typeof value === "string" ? value : JSON.stringify(value))))));
}

function details(span, trace, start, row) {
  const process = trace.processes[span.processID];
  const part = (name, open, ...content) => make("details", { open }, make("summary", {}, name), ...content);
  const links = span.references.filter((reference) => !(reference.traceID === span.traceID && reference.spanID === parent(span)));
  const link = (reference) => make("li", {}, `${reference.refType === "CHILD_OF" ? "child of" : "follows from"} `, make("a", { href: `/trace/${reference.traceID}#span-${reference.spanID}` }, `${reference.traceID} / ${reference.spanID}`));
  const why = tag(span, "otel.status_description");
  return make(
    "div",
    { class: "details" },
    failed(span) && notice(why ? `Error: ${why}` : "Error", "error"),
    row.missing && notice(`Its parent ${row.missing} is not here: it has not arrived, or was dropped for newer spans.`),
    make("p", { class: "facts" }, make("span", {}, "starts after ", make("b", {}, duration(span.startTime - start))), make("span", {}, "takes ", make("b", {}, duration(span.duration))), make("span", {}, "span ", make("code", {}, span.spanID))),
    part(`Attributes (${span.tags.length})`, true, table(span.tags)),
    links.length > 0 && part(`Links (${links.length})`, true, make("ul", { class: "links" }, links.map(link))),
    span.logs.length > 0 && part(`Events (${span.logs.length})`, true, make("ol", { class: "events" }, span.logs.map((log) => make("li", {}, make("span", { class: "at" }, `+${duration(log.timestamp - start)}`), table(log.fields))))),
    part(`Process: ${process.serviceName} (${process.tags.length})`, false, table(process.tags)),
  );
}

function move(event, tree) {
  const row = event.target.closest(".row");
  if (!row || event.target !== row) return;
  const rows = [...tree.querySelectorAll(".line:not([hidden]) > .row")];
  const place = rows.indexOf(row);
  const go = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: rows.length - 1 }[event.key];
  if (go !== undefined) {
    rows[go]?.focus();
    rows.forEach((other) => (other.tabIndex = -1));
    (rows[go] ?? row).tabIndex = 0;
  } else if (event.key === "Enter" || event.key === " ") row.click();
  else if (row.fold && event.key === (row.classList.contains("shut") ? "ArrowRight" : "ArrowLeft")) row.fold.click();
  else return;
  event.preventDefault();
}
