// Which view a path is for, and what stands above both.
import { ask, bytes, make, moment } from "./shared.js";
import { showSearch } from "./search.js";
import { showTrace } from "./trace.js";

const main = document.getElementById("main");

function show() {
  const trace = location.pathname.match(/^\/trace\/([^/]+)/);
  if (trace) showTrace(main, decodeURIComponent(trace[1]));
  else showSearch(main);
}

async function showState() {
  const state = await ask("/state").catch(() => null);
  const line = document.getElementById("state");
  if (!state) return line.replaceChildren("the store does not answer");
  const part = Math.round((100 * state.bytes) / state.bytes_limit);
  const parts = [`${state.spans.toLocaleString("en")} spans`, `${bytes(state.bytes)} of ${bytes(state.bytes_limit)} (${part} %)`];
  const evicted = state.evicted_spans > 0 && make(
    "span",
    { class: "evicted", title: `The earliest span that is kept started ${moment(state.oldest_start / 1_000)}` },
    `${state.evicted_spans.toLocaleString("en")} older spans were dropped; kept since ${moment(state.oldest_start / 1_000)}`,
  );
  line.replaceChildren(parts.join(" · "), ...(evicted ? [" · ", evicted] : []));
}

document.getElementById("jump").addEventListener("submit", (event) => {
  event.preventDefault();
  const id = document.getElementById("trace-id").value.trim();
  if (id) location.href = `/trace/${encodeURIComponent(id)}`;
});

document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) {
    event.preventDefault();
    document.getElementById("trace-id").focus();
  }
});

show();
// Jaeger, which may show this page as well, does not tell its state.
if (document.getElementById("state")) {
  showState();
  setInterval(showState, 5_000);
}
