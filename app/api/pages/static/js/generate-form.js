// The generator page's form: what it offers, what is chosen, and what cannot be meant so.

import { readSeed } from "./api.js";
import { el, find, put, tie } from "./dom.js";

const CLASSES_HINTS = ["None chosen: each sample draws its own.", "All samples are of this class."];

export class Form {
  /** @param {function(): void} onChange Told when anything was chosen. */
  constructor(onChange) {
    this.onChange = onChange;
    this.count = tie(find("#count-range"), find("#count"));
    this.truncation = tie(find("#truncation-range"), find("#truncation"));
    this.presets = [];
    this.preset = "";
    find("#form").addEventListener("change", onChange);
    find("#dice").addEventListener("click", () => this.#drawSeed());
  }

  /** Offer all versions of all models, by number and by alias. */
  fillModels(models) {
    put(
      find("#model"),
      models.map((model) => el("optgroup", { label: model.name }, drawVersions(model), drawAliases(model))),
    );
    find("#model").disabled = false;
  }

  /** Offer what augments. */
  fillPresets(presets) {
    this.presets = presets.filter((one) => one.name !== "identity");
    put(
      find("#preset"),
      el("option", { value: "" }, "Not at all"),
      this.presets.map((one) => el("option", { value: one.name }, one.name)),
    );
    find("#preset").value = this.preset;
    this.#describePreset();
  }

  /** On a narrow screen the grid comes before what is seldom changed. */
  fold({ truncation, preset }) {
    const isDefault = truncation === 1 && !preset;
    find("#more").open = !isDefault || !matchMedia("(max-width: 61.99rem)").matches;
  }

  /** Show a state; true if its model is another one, with other classes. */
  write(state, model) {
    const { image, class_names: names } = model;
    const size = image ? `${image.width} × ${image.height} ${image.channels === 1 ? "grey" : "colour"}` : "";
    find("#model").value = state.model;
    find("#model-facts").textContent = `${size}${names.length ? `, ${names.length} classes` : ", no classes"}`;
    const isOther = this.#fillClasses(model);
    for (const button of find("#classes").children) {
      button.setAttribute("aria-pressed", String(state.classes.includes(button.dataset.name)));
    }
    describeClasses();
    this.count.set(state.count);
    this.truncation.set(state.truncation);
    find("#seed").value = String(state.seed);
    showSeedError(false);
    this.preset = find("#preset").value = state.preset;
    this.#describePreset();
    return isOther;
  }

  /** What is chosen; null, and said so, if the seed is none. */
  read() {
    const seed = readSeed(find("#seed").value);
    showSeedError(seed === null);
    if (seed === null) return null;
    return {
      model: find("#model").value,
      count: Math.round(this.count.get()),
      seed,
      truncation: this.truncation.get(),
      preset: find("#preset").value,
      classes: readClasses(),
    };
  }

  #fillClasses(model) {
    const host = find("#classes");
    const names = model.class_names;
    find("#class-row").hidden = !names.length;
    if (host.dataset.of === model.name) return false;
    host.dataset.of = model.name;
    host.classList.toggle("even", names.every((name) => name.length <= 2));
    const toggle = (event) => this.#toggleClass(event.currentTarget);
    put(
      host,
      names.map((name) =>
        el("button.segment", { type: "button", "aria-pressed": "false", data: { name }, on: { click: toggle } }, name),
      ),
    );
    return true;
  }

  #toggleClass(button) {
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
    describeClasses();
    this.onChange();
  }

  #drawSeed() {
    const [high, low] = crypto.getRandomValues(new Uint32Array(2));
    find("#seed").value = String(((BigInt(high) << 32n) | BigInt(low)) % 1_000_000_000n);
    this.onChange();
  }

  #describePreset() {
    const chosen = this.presets.find((one) => one.name === find("#preset").value);
    find("#preset-hint").textContent = chosen?.description ?? "Moves and lights each sample by draws of its own seed.";
  }
}

function drawVersions(model) {
  const newestFirst = [...model.versions].sort((one, other) => other.version - one.version);
  return newestFirst.map(({ version, state }) => {
    const aliases = Object.entries(model.aliases).filter(([, target]) => target === version).map(([alias]) => alias);
    const notes = [...aliases, ...(state === "ready" ? [] : [state])];
    const reference = `${model.name}@${version}`;
    return el(
      "option",
      { value: reference, disabled: state === "failed" },
      `${reference}${notes.length ? ` (${notes.join(", ")})` : ""}`,
    );
  });
}

function drawAliases(model) {
  return Object.entries(model.aliases).map(([alias, target]) => {
    const reference = `${model.name}@${alias}`;
    return el("option", { value: reference }, `${reference}, wherever it points (now ${target})`);
  });
}

function readClasses() {
  return [...find("#classes").querySelectorAll('[aria-pressed="true"]')].map((one) => one.dataset.name);
}

function describeClasses() {
  find("#classes-hint").textContent = CLASSES_HINTS[readClasses().length] ?? "In equal numbers, class by class.";
}

function showSeedError(isWrong) {
  find("#seed-error").hidden = !isWrong;
  if (isWrong) find("#seed").setAttribute("aria-invalid", "true");
  else find("#seed").removeAttribute("aria-invalid");
}
