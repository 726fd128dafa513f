// Two versions on the same seed, and their figures.

import { getKey, readSeed } from "./api.js";
import { showCode, showPromotion } from "./compare-code.js";
import { drawComparison } from "./compare-figures.js";
import { drawPairs, fetchPairs, measurePairs } from "./compare-samples.js";
import { keepState, makeOrder, readState, sharedClasses, state } from "./compare-state.js";
import { el, find, put, rove, tie } from "./dom.js";
import { recordOf } from "./figures.js";
import { listModels, showProblem } from "./shell.js";
import { drawChoices, fillVersions, findReference, getDetail, nameVersion } from "./versions.js";

const MANY_CLASSES = 40;

let pairs = [];
let running = null;
let shown = null;

async function start() {
  try {
    state.models = (await listModels()).filter((model) => model.versions.length);
    if (!state.models.length) return put(find("#pairs"), el("p.empty", {}, "This service has no models yet."));
    readState(new URLSearchParams(location.search));
    showForm();
    await compare();
  } catch (error) {
    showProblem(find("#problem"), error, start);
  }
}

function showForm() {
  fillVersions(find("#first"), state.models, state.first);
  fillVersions(find("#second"), state.models, state.second);
  count.set(state.count);
  find("#seed").value = String(state.seed);
  find("#difference").checked = state.withDifference;
  drawChoices(
    find("#layout"),
    [["side", "Side by side"], ["pairs", "In pairs"]],
    state.layout,
    setLayout,
  );
  showClasses();
  showHint();
}

function showClasses() {
  const names = sharedClasses();
  state.classes = state.classes.filter((name) => names.includes(name));
  find("#class-row").hidden = !names.length;
  const toggle = (event, name) => {
    const isChosen = state.classes.includes(name);
    state.classes = names.filter((one) => (one === name ? !isChosen : state.classes.includes(one)));
    describeClasses();
    event.currentTarget.setAttribute("aria-pressed", String(!isChosen));
    compare();
  };
  find("#classes").classList.toggle("even", names.every((name) => name.length <= 2));
  put(
    find("#classes"),
    names.slice(0, MANY_CLASSES).map((name) =>
      el(
        "button.segment",
        {
          type: "button",
          "aria-pressed": String(state.classes.includes(name)),
          on: { click: (event) => toggle(event, name) },
        },
        name,
      ),
    ),
  );
  describeClasses();
}

function describeClasses() {
  const all = new Set([...state.first.model.class_names, ...state.second.model.class_names]).size;
  const which = sharedClasses().length < all ? "Classes that both have. " : "";
  const texts = ["None chosen: each sample draws its own.", "All samples are of this class."];
  find("#classes-hint").textContent = which + (texts[state.classes.length] ?? "In equal numbers, class by class.");
}

function showHint() {
  const [one, other] = [state.first, state.second];
  const isOneModel = one.model === other.model;
  find("#pair-hint").textContent = isOneModel
    ? "Versions of one model get the same latents from a seed: a pair shows what changed."
    : "Other networks read the same numbers in other ways: their pairs need not look alike.";
}

async function compare() {
  running?.abort();
  running = new AbortController();
  const { signal } = running;
  const order = makeOrder();
  keepState();
  showCode(order);
  showFigures(order);
  pairs = [];
  shown = order;
  const status = find("#status");
  status.textContent = "computing…";
  try {
    put(find("#problem"));
    await fetchPairs(
      order,
      {
        signal,
        onPair: (pair) => pairs.push(pair),
        onWait: (seconds) => (status.textContent = `busy; again in ${Math.ceil(seconds)} s`),
      },
    );
    pairs.sort((one, other) => one.index - other.index);
    await show();
  } catch (error) {
    if (error.name === "AbortError" || signal.aborted) return;
    status.textContent = "";
    put(find("#pairs"));
    showProblem(find("#problem"), error, compare);
  }
}

async function show() {
  const order = shown;
  if (!order) return;
  const mean = state.withDifference ? await measurePairs(pairs) : null;
  if (order !== shown) return;
  drawPairs(find("#pairs"), { pairs, order, layout: state.layout, withDifference: state.withDifference });
  find("#pairs-hint").hidden = !pairs.length;
  const parts = [`${pairs.length} ${pairs.length === 1 ? "pair" : "pairs"} of seed ${order.seed}`];
  if (state.withDifference) parts.push(tellDifference(mean));
  const areMixed = order.classes.length === 0 && pairs.some(({ labels }) => labels[0] !== labels[1]);
  if (areMixed) parts.push("some pairs drew different classes");
  find("#status").textContent = parts.join(" · ");
}

function tellDifference(mean) {
  if (mean === null) return "no differences: sizes of images differ";
  return mean === 0 ? "every pixel is the same" : `mean difference ${mean.toFixed(1)} of 255`;
}

async function showFigures(order) {
  const host = find("#figures");
  try {
    const details = await Promise.all([getDetail(order.first), getDetail(order.second)]);
    if (order.first === state.first && order.second === state.second) put(
      host,
      drawComparison([nameVersion(order.first), nameVersion(order.second)], details.map(recordOf)),
    );
  } catch (error) {
    showProblem(host, error, () => showFigures(order));
  }
}

function setLayout(layout) {
  state.layout = layout;
  keepState();
  show();
}

function checkSeed() {
  const seed = readSeed(find("#seed").value);
  find("#seed").setAttribute("aria-invalid", String(seed === null));
  find("#seed-error").hidden = seed !== null;
  if (seed !== null) state.seed = seed;
  return seed !== null;
}

function choose(side, reference) {
  state[side] = findReference(state.models, reference);
  showClasses();
  showHint();
  compare();
}

const count = tie(find("#count-range"), find("#count"), (value) => {
  state.count = Math.round(value);
});
for (const id of ["#count-range", "#count"]) find(id).addEventListener("change", () => compare());
find("#first").addEventListener("change", (event) => choose("first", event.target.value));
find("#second").addEventListener("change", (event) => choose("second", event.target.value));
find("#swap").addEventListener("click", () => {
  [state.first, state.second] = [state.second, state.first];
  showForm();
  compare();
});
find("#seed").addEventListener("input", checkSeed);
find("#dice").addEventListener("click", () => {
  find("#seed").value = String(crypto.getRandomValues(new Uint32Array(1))[0]);
  checkSeed();
  compare();
});
find("#difference").addEventListener("change", (event) => {
  state.withDifference = event.target.checked;
  keepState();
  show();
});
find("#alias").addEventListener("input", showPromotion);
find("#form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (checkSeed()) compare();
  else find("#seed").focus();
});
rove(find("#pairs"), "button.cell");
document.addEventListener("fount:key", () => {
  if (getKey() && !state.first) start();
});
start();
