// A policy as a tree of steps that a form can hold: read from the service's JSON, written as it, changed step by step.

const OFF = "!"; // before the name of a step that is switched off, in addresses only
const COMMON = ["fill", "value", "interpolation", "p"];

let made = 0;

/** Make a step; `ops` are the steps that it holds, null for one that holds none. */
export function makeStep(op, values = {}, ops = null) {
  made += 1;
  return { id: made, op, values, ops, weight: null, isOff: false, isOpen: false, isGiven: false };
}

/** Read steps from operations as JSON has them; `marks` takes those that are switched off, too. */
export function readSteps(list, { marks = false } = {}) {
  return list.map((item) => {
    const { op, ops, weights, ...values } = item;
    const isOff = marks && String(op).startsWith(OFF);
    const step = makeStep(isOff ? op.slice(OFF.length) : op, values, Array.isArray(ops) ? readSteps(ops, { marks }) : null);
    const fits = step.ops !== null && Array.isArray(weights) && weights.length === step.ops.length;
    if (fits) step.ops.forEach((held, place) => (held.weight = weights[place]));
    else if (weights !== undefined && weights !== null) step.values.weights = weights;
    return Object.assign(step, { isOff, isGiven: true });
  });
}

/** Whether this JSON can be held as steps; if not, only the service can say what is wrong with it. */
export function isPolicy(document) {
  const keys = document && typeof document === "object" && !Array.isArray(document) ? Object.keys(document) : [];
  const isStep = (one) => typeof one?.op === "string" && (one.ops === undefined || areSteps(one.ops));
  const areSteps = (list) => Array.isArray(list) && list.every(isStep);
  return keys.length === 1 && areSteps(document.ops);
}

/** Whether a step is part of the policy: switched on, and no group that somebody has yet to fill. */
export function isSent(step) {
  if (step.isOff) return false;
  return step.ops === null || step.ops.some(isSent) || (step.isGiven && !step.ops.length);
}

/**
 * Write steps as operations, without what is as by default.
 * @param {Array} steps
 * @param {Map} catalog Operations by name.
 * @param {object} [options] `marks` writes steps that are switched off, too, marked.
 */
export function writeSteps(steps, catalog, { marks = false } = {}) {
  return steps.filter((step) => marks || isSent(step)).map((step) => {
    const properties = catalog.get(step.op)?.schema.properties ?? {};
    const item = { op: `${step.isOff ? OFF : ""}${step.op}` };
    for (const [name, value] of Object.entries(step.values)) {
      if (!isDefault(value, properties[name])) item[name] = value;
    }
    if (step.ops === null) return item;
    item.ops = writeSteps(step.ops, catalog, { marks });
    const held = step.ops.filter((one) => marks || isSent(one));
    if (properties.weights && held.some((one) => one.weight !== null)) item.weights = held.map((one) => one.weight ?? 1);
    return item;
  });
}

function isDefault(value, property) {
  return property !== undefined && "default" in property && JSON.stringify(value) === JSON.stringify(property.default);
}

/** What a step's field holds. */
export function readValue(step, name, property) {
  return name in step.values ? step.values[name] : (property.default ?? null);
}

/** Fields of an operation in the order of a form: its own first, then what many have. */
export function listFields(entry) {
  const names = Object.keys(entry.schema.properties).filter((name) => !["op", "ops", "weights"].includes(name));
  return [...names.filter((name) => !COMMON.includes(name)), ...COMMON.filter((name) => names.includes(name))];
}

/**
 * Find the step that a JSON pointer of the policy is about: {step, field, rest}; `step` is null for none.
 * @param {string} pointer For example "/ops/1/ops/0/degrees/1".
 */
export function locate(steps, pointer) {
  const parts = pointer.split("/").slice(1).map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  let found = null;
  let list = steps;
  let place = 0;
  while (parts[place] === "ops" && list && /^\d+$/.test(parts[place + 1] ?? "")) {
    const next = list.filter(isSent)[Number(parts[place + 1])];
    if (!next) break;
    found = next;
    list = next.ops;
    place += 2;
  }
  const [field = null, ...rest] = parts.slice(place);
  const weighed = field === "weights" && /^\d+$/.test(rest[0] ?? "") ? list?.filter(isSent)[Number(rest[0])] : null;
  return weighed ? { step: weighed, field: "weight", rest: [] } : { step: found, field, rest };
}

/** Go over all steps, those that others hold included. */
export function* walkSteps(steps, depth = 1, parent = null) {
  for (const step of steps) {
    yield { step, depth, parent };
    if (step.ops) yield* walkSteps(step.ops, depth + 1, step);
  }
}

function findHome(steps, id, parents = []) {
  const place = steps.findIndex((step) => step.id === id);
  if (place >= 0) return { list: steps, place, parents };
  for (const step of steps) {
    const home = step.ops && findHome(step.ops, id, [{ list: steps, step }, ...parents]);
    if (home) return home;
  }
  return null;
}

/** Take a step out; returns the step that is now in its place, or before it, or that held it; null for none. */
export function removeStep(steps, id) {
  const { list, place, parents } = findHome(steps, id);
  list.splice(place, 1);
  return list[place] ?? list[place - 1] ?? parents[0]?.step ?? null;
}

/** Whether a step can go up (-1) or down (1). */
export function canMove(steps, id, by) {
  const { list, place, parents } = findHome(steps, id);
  return parents.length > 0 || list[place + by] !== undefined;
}

/** Move a step by one place up (-1) or down (1): into a group that is open, out of one at its ends. */
export function moveStep(steps, id, by) {
  const { list, place, parents } = findHome(steps, id);
  const [step] = list.splice(place, 1);
  const next = by < 0 ? list[place - 1] : list[place];
  if (!next) {
    const [{ list: outer, step: group }] = parents;
    outer.splice(outer.indexOf(group) + (by < 0 ? 0 : 1), 0, step);
  } else if (next.ops && next.isOpen) next.ops.splice(by < 0 ? next.ops.length : 0, 0, step);
  else list.splice(place + by, 0, step);
}

/** Where a step is, in words: "2 of 5, in one of". */
export function describePlace(steps, id) {
  const { list, place, parents } = findHome(steps, id);
  return `${place + 1} of ${list.length}${parents.length ? `, in ${nameOperation(parents[0].step.op)}` : ""}`;
}

/** An operation's name as people write it. */
export function nameOperation(op) {
  return String(op).replaceAll("_", " ");
}

/** A step to begin with: as its schema's examples are, in the size of `image`. */
export function createStep(entry, image) {
  const { properties, examples = [] } = entry.schema;
  const { op: _, ...example } = examples.at(-1) ?? {};
  const share = entry.op.startsWith("pad") ? 1.25 : 0.75;
  for (const name of ["height", "width", "px"]) {
    if (name in example && image) {
      const side = name === "px" ? Math.min(image.width, image.height) : image[name];
      example[name] = Math.max(1, Math.round(side * share));
    }
  }
  return Object.assign(makeStep(entry.op, example, properties.ops ? [] : null), { isOpen: true });
}
