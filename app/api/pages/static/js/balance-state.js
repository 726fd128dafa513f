// What the wizard knows: a version, counts as they were typed, and what to bring them to; kept in the address.

import { readSeed } from "./api.js";
import { matchClasses, readCounts } from "./balance-counts.js";
import { findReference, keepAddress, nameVersion } from "./versions.js";

const MAX_IN_ADDRESS = 3000;

export const state = {
  models: [],
  chosen: null,
  text: "",
  to: "max",
  number: 1000,
  factor: 1.5,
  all: false,
  seed: 42n,
  limit: null,
  how: "",
};

/** Take what the address says; the models are known by then. */
export function readState(query) {
  const given = findReference(state.models, query.get("model"));
  state.chosen = given ?? findReference(state.models, state.models[0].name);
  state.text = (query.get("have") ?? "").slice(0, MAX_IN_ADDRESS).replaceAll("~", "\n");
  const to = query.get("to") ?? "max";
  const factor = /^x(\d+(?:\.\d+)?)$/.exec(to);
  if (factor) Object.assign(state, { to: "factor", factor: Math.min(1000, Number(factor[1])) });
  else if (/^[1-9]\d{0,9}$/.test(to)) Object.assign(state, { to: "number", number: Math.min(1e9, Number(to)) });
  state.all = query.get("all") === "1";
  state.seed = readSeed(query.get("seed")) ?? state.seed;
}

/** Keep it in the address. */
export function keepState() {
  const query = new URLSearchParams({ model: nameVersion(state.chosen) });
  const have = state.text.trim().replaceAll(/\r?\n/g, "~");
  if (have && have.length <= MAX_IN_ADDRESS) query.set("have", have);
  if (state.to === "number") query.set("to", String(state.number));
  if (state.to === "factor") query.set("to", `x${state.factor}`);
  if (state.all) query.set("all", "1");
  query.set("seed", String(state.seed));
  keepAddress(query);
}

/** Counts by class name, and what is wrong with them. */
export function readHave() {
  const { counts, how, problems } = readCounts(state.text);
  const names = state.chosen.model.class_names;
  const { have, unknown } = matchClasses(counts, names);
  const said = [...problems];
  if (unknown.length) said.push(
    `${state.chosen.model.name} has no ${unknown.length === 1 ? "class" : "classes"} ${shorten(unknown)}: left out. ` +
      `Its classes are ${shorten(names)}.`,
  );
  const whole = state.all && have.size ? new Map(names.map((name) => [name, have.get(name) ?? 0])) : have;
  return { have: whole, how: state.how || how, problems: said };
}

/** What every class is brought to. */
export function chooseTo(have) {
  if (state.to === "max") return "max";
  if (state.to === "number") return state.number;
  return Math.max(1, Math.round(state.factor * Math.max(...have.values())));
}

/** Write names, not too many of them. */
export function shorten(names) {
  return names.length > 12 ? `${names.slice(0, 12).join(", ")}, …` : names.join(", ");
}

/** What a plan comes to in a request. */
export function buildBlock({ have }) {
  const to = chooseTo(have);
  return { model: nameVersion(state.chosen), balance: { have: Object.fromEntries(have), to }, seed: state.seed };
}
