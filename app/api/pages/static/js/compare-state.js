// What the comparison shows: two versions, a seed, how many pairs of which classes; kept in the address.

import { readSeed } from "./api.js";
import { findReference, keepAddress, nameVersion } from "./versions.js";

const MAX_COUNT = 256;

export const state = {
  models: [],
  first: null,
  second: null,
  count: 24,
  seed: 42n,
  classes: [],
  layout: "side",
  withDifference: false,
  promoted: "second",
};

/** Take what the address says; the models are known by then. */
export function readState(query) {
  state.first = findReference(state.models, query.get("a")) ?? chooseFirst();
  state.second = findReference(state.models, query.get("b")) ?? chooseSecond(state.first);
  const count = Number(query.get("n"));
  if (Number.isInteger(count) && count >= 1 && count <= MAX_COUNT) state.count = count;
  state.seed = readSeed(query.get("seed")) ?? state.seed;
  state.classes = query.getAll("class").filter((name) => sharedClasses().includes(name));
  state.layout = query.get("view") === "pairs" ? "pairs" : "side";
  state.withDifference = query.get("difference") === "1";
}

/** Keep it in the address. */
export function keepState() {
  const query = new URLSearchParams(
    { a: nameVersion(state.first), b: nameVersion(state.second), n: state.count, seed: state.seed },
  );
  for (const name of state.classes) query.append("class", name);
  if (state.layout !== "side") query.set("view", state.layout);
  if (state.withDifference) query.set("difference", "1");
  keepAddress(query);
}

/** Of all models, one with several versions that can be held against each other; else the first. */
function chooseFirst() {
  const model = state.models.find((one) => one.versions.length > 1) ?? state.models[0];
  return { model, version: model.default_version ?? model.versions.at(-1).version };
}

function chooseSecond({ model, version }) {
  const other = model.versions.filter((one) => one.version !== version).at(-1);
  if (other) return { model, version: other.version };
  const alike = state.models.find((one) =>
    one !== model && one.class_names.join() === model.class_names.join(),
  ) ?? state.models.find((one) => one !== model) ?? model;
  return { model: alike, version: alike.default_version ?? alike.versions.at(-1).version };
}

/** Classes that both have. */
export function sharedClasses() {
  const other = new Set(state.second.model.class_names);
  return state.first.model.class_names.filter((name) => other.has(name));
}

/** What is to be computed, as it is chosen now. */
export function makeOrder() {
  const { first, second, count, seed, classes } = state;
  return { first, second, count, seed, classes: [...classes] };
}
