// The steps of a policy as a list that is edited by keyboard or pointer: each with its form, made from its schema.

import { drawField, readKind, writeHint } from "./augment-fields.js";
import { pickOperation } from "./augment-picker.js";
import {
  canMove, createStep, describePlace, listFields, locate, moveStep, nameOperation, readValue, removeStep, walkSteps,
} from "./augment-policy.js";
import { drawTool } from "./augment-tools.js";
import { el, formatNumber, put } from "./dom.js";

export class Steps {
  /**
   * @param {HTMLElement} host What the list is drawn in.
   * @param {object} options `onChange(isStructural)`; `say(text)` for screen readers; `getImage()`, {width, height} of
   *   an image that new steps should fit, or null.
   */
  constructor(host, { onChange, say, getImage }) {
    Object.assign(this, { host, onChange, say, getImage, catalog: new Map(), steps: [], drawn: new Map() });
    host.addEventListener("keydown", (event) => this.moveByKey(event));
  }

  setCatalog(operations) {
    this.catalog = new Map(operations.map((one) => [one.op, one]));
  }

  /** Show other steps. */
  set(steps) {
    this.steps = steps;
    this.render();
  }

  /** Draw all anew; what had the focus has it again, or what `focus` names. */
  render(focus = document.activeElement?.dataset?.focus) {
    this.drawn.clear();
    put(this.host, this.drawList(this.steps, null));
    if (focus) this.host.querySelector(`[data-focus="${focus}"]`)?.focus();
  }

  drawList(steps, parent) {
    const name = parent ? `Steps of ${nameOperation(parent.op)}` : "Steps of the policy";
    const add = el(
      "button.button.small.add-step",
      { type: "button", data: { focus: `add-${parent?.id ?? "top"}` }, on: { click: () => this.add(steps, parent) } },
      parent ? `Add to ${nameOperation(parent.op)}` : "Add an operation",
    );
    return [
      steps.length > 0 && el("ol.steps", { "aria-label": name }, steps.map((step, place) => this.drawStep(step, place, parent))),
      !steps.length && el("p.hint", {}, parent ? "Holds nothing yet, and is left out until it does." : "No steps: pictures stay as they are."),
      add,
    ];
  }

  drawStep(step, place, parent) {
    const entry = this.catalog.get(step.op);
    const name = nameOperation(step.op);
    const summary = el("span.step-summary", {});
    const item = el("li.step", { data: { op: step.op } });
    const drawn = { item, fields: new Map(), summary, wrong: el("p.error-text", { hidden: true }) };
    this.drawn.set(step.id, drawn);
    const box = el("input", { type: "checkbox", "aria-label": `${name} is on`, title: "On or off", data: { focus: `on-${step.id}` } });
    box.checked = !step.isOff;
    box.addEventListener("change", () => {
      step.isOff = !box.checked;
      this.summarise(step);
      this.changed(true);
    });
    const body = step.isOpen && el("div.step-body", { id: `step-${step.id}` }, this.drawBody(step, entry, parent, drawn));
    const head = el(
      "button.step-name",
      {
        type: "button",
        "aria-expanded": String(step.isOpen),
        "aria-controls": step.isOpen ? `step-${step.id}` : null,
        data: { focus: `open-${step.id}`, step: step.id },
        on: { click: () => this.toggle(step) },
      },
      el("span", {}, el("span.step-place", { "aria-hidden": "true" }, `${place + 1} `), name),
      summary,
    );
    item.append(el("div.step-head", {}, box, head, this.drawTools(step, name)), drawn.wrong, ...(body ? [body] : []));
    this.summarise(step);
    return item;
  }

  drawTools(step, name) {
    const tool = (key, label, icon, run, disabled = false) => drawTool(icon, `${label} ${name}`, run, { disabled, data: { focus: `${key}-${step.id}` } });
    return el(
      "div.step-tools",
      {},
      tool("up", "Move up", "up", () => this.move(step, -1, "up"), !canMove(this.steps, step.id, -1)),
      tool("down", "Move down", "down", () => this.move(step, 1, "down"), !canMove(this.steps, step.id, 1)),
      tool("remove", "Remove", "remove", () => this.remove(step)),
    );
  }

  drawBody(step, entry, parent, drawn) {
    if (!entry) return el("p.hint", {}, "This service has no operation of this name.");
    const hasWeight = Boolean(parent && this.catalog.get(parent.op)?.schema.properties.weights);
    const field = (name, schema, value, change) => {
      const made = drawField({ id: `f${step.id}-${name}`, name, schema, value, change });
      for (const control of made.node.querySelectorAll("input, select, button")) control.dataset.focus = `${control.id || control.dataset.value}-${step.id}`;
      drawn.fields.set(name, made);
      return made.node;
    };
    const { properties } = entry.schema;
    const nodes = listFields(entry).map((name) =>
      field(name, properties[name], readValue(step, name, properties[name]), (value) => {
        step.values[name] = value;
        this.showNeeded(step, drawn);
        this.summarise(step);
        this.changed(false);
      }),
    );
    const weight = hasWeight && field("weight", WEIGHT, step.weight, (value) => {
      step.weight = value;
      this.summarise(step);
      this.changed(false);
    });
    this.showNeeded(step, drawn);
    return [
      el("p.hint", {}, entry.description),
      step.ops && el("div.held", {}, this.drawList(step.ops, step)),
      weight,
      nodes,
    ];
  }

  /** The level of a fill is asked for where the fill is one. */
  showNeeded(step, drawn) {
    if (!drawn.fields.has("fill") || !drawn.fields.has("value")) return;
    const { fill } = this.catalog.get(step.op).schema.properties;
    drawn.fields.get("value").node.hidden = readValue(step, "fill", fill) !== "constant";
  }

  summarise(step) {
    const { item, summary } = this.drawn.get(step.id);
    const entry = this.catalog.get(step.op);
    item.toggleAttribute("data-off", step.isOff);
    const parts = step.isOff ? ["off"] : [
      step.weight !== null && `weight ${step.weight}`,
      entry && readValue(step, "p", entry.schema.properties.p) !== 1 && `${formatNumber(100 * readValue(step, "p", entry.schema.properties.p), 2)} %`,
      step.ops && `of ${step.ops.length}`,
      ...(entry ? summariseFields(step, entry) : []),
    ];
    put(summary, parts.filter(Boolean).join(" · "));
  }

  changed(isStructural) {
    this.onChange(isStructural);
  }

  toggle(step) {
    step.isOpen = !step.isOpen;
    this.render(`open-${step.id}`);
  }

  async add(steps, parent) {
    const entry = await pickOperation([...this.catalog.values()], { isHeld: parent !== null });
    if (!entry) return this.render(`add-${parent?.id ?? "top"}`);
    const step = createStep(entry, this.getImage());
    steps.push(step);
    this.render(`open-${step.id}`);
    this.say(`${nameOperation(step.op)} added, ${describePlace(this.steps, step.id)}.`);
    this.changed(true);
  }

  move(step, by, key) {
    moveStep(this.steps, step.id, by);
    this.render(`${key}-${step.id}`);
    if (!this.host.contains(document.activeElement)) this.host.querySelector(`[data-focus="open-${step.id}"]`)?.focus();
    this.say(`${nameOperation(step.op)} is now ${describePlace(this.steps, step.id)}.`);
    this.changed(true);
  }

  moveByKey(event) {
    const by = event.altKey && { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const id = Number(event.target.dataset?.step);
    const found = by && id && [...walkSteps(this.steps)].find(({ step }) => step.id === id);
    if (!found || !canMove(this.steps, id, by)) return;
    event.preventDefault();
    this.move(found.step, by, "open");
  }

  remove(step) {
    const next = removeStep(this.steps, step.id);
    this.render(next ? `open-${next.id}` : "add-top");
    this.say(`${nameOperation(step.op)} removed.`);
    this.changed(true);
  }

  /** Name the place that a pointer of the policy is about: "affine, degrees". */
  name(pointer) {
    const { step, field } = locate(this.steps, pointer);
    return [step ? nameOperation(step.op) : "policy", field?.replaceAll("_", " ")].filter(Boolean).join(", ");
  }

  /** Say what is wrong where it is: [{pointer, detail}] with pointers of the policy. */
  showErrors(errors) {
    this.clearErrors();
    const found = errors.map((error) => ({ ...error, ...locate(this.steps, error.pointer) }));
    const closed = found.filter(({ step }) => step && !step.isOpen);
    for (const { step } of closed) openAll(this.steps, step);
    if (closed.length) this.render();
    for (const { step, field, rest, detail } of found) {
      if (!step) continue;
      const { item, fields, wrong } = this.drawn.get(step.id);
      item.toggleAttribute("data-wrong", true);
      if (fields.has(field)) fields.get(field).fail(rest, detail);
      else {
        wrong.hidden = false;
        put(wrong, writeHint(field ? `${field}: ${detail}` : detail));
      }
    }
  }

  clearErrors() {
    for (const { item, fields, wrong } of this.drawn.values()) {
      item.removeAttribute("data-wrong");
      wrong.hidden = true;
      for (const { clear } of fields.values()) clear();
    }
  }
}

const WEIGHT = { anyOf: [{ type: "number", minimum: 0, maximum: 1e6 }, { type: "null" }], description: "How often this one is chosen, in proportion to the others; 1 when left out." };

function openAll(steps, wanted) {
  for (const { step } of walkSteps(steps)) {
    if (step === wanted || (step.ops && [...walkSteps(step.ops)].some((held) => held.step === wanted))) step.isOpen = true;
  }
}

/** The first fields of a step that are not zero, in few words: "degrees −15 to 15". */
function summariseFields(step, entry) {
  const { properties } = entry.schema;
  const names = listFields(entry).filter((name) => !["fill", "value", "interpolation", "p"].includes(name));
  const parts = names.map((name) => {
    const value = readValue(step, name, properties[name]);
    const isNothing = value === null || (Array.isArray(value) && value.every((one) => one === 0)) || value === false;
    return isNothing ? null : `${name.replaceAll("_", " ")} ${writeValue(value, readKind(properties[name]).kind)}`;
  });
  return parts.filter(Boolean).slice(0, 3);
}

function writeValue(value, kind) {
  const number = (one) => (typeof one === "number" ? String(Number(one.toPrecision(4))).replace("-", "−") : "?");
  if (kind === "range" && Array.isArray(value)) return value[0] === value[1] ? number(value[0]) : `${number(value[0])} to ${number(value[1])}`;
  if (Array.isArray(value)) return value.join(", ");
  if (value === true) return "";
  return typeof value === "number" ? number(value) : String(value);
}
