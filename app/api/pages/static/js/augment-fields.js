// Form fields made from JSON Schemas: numbers, ranges of two ends, choices, yes or no, colours, some of a few numbers.

import { el, put } from "./dom.js";

const POSITIONS = 200; // of a slider
const MAX_SPAN = 15_000; // above this, evenly divided, a slider is of no use
const WIDE = 100; // times from the lowest to the highest: sliders go by logarithms
const MAX_BUTTONS = 9;

/** Say what kind of field a schema needs: {kind, inner, isNullable}. */
export function readKind(schema) {
  const isNullable = Boolean(schema.anyOf?.some((one) => one.type === "null"));
  const inner = schema.anyOf ? schema.anyOf.find((one) => one.type !== "null") : schema;
  return { kind: chooseKind(inner), inner, isNullable };
}

function chooseKind({ enum: choices, type, items, minItems, maxItems }) {
  if (choices) return "choice";
  if (type === "boolean") return "check";
  if (type === "number" || type === "integer") return "number";
  if (type !== "array" || !["number", "integer"].includes(items?.type)) return "json";
  if (minItems === 2 && maxItems === 2) return "range";
  if (minItems === 3 && maxItems === 3 && items.maximum === 255) return "colour";
  return items.type === "integer" && items.maximum - items.minimum < MAX_BUTTONS ? "some" : "list";
}

/** Text in which `names` of code are code. */
export function writeHint(text) {
  return text.split("`").map((part, place) => (place % 2 ? el("code", {}, part) : part));
}

/**
 * Draw a field.
 * @param {object} options `id`, unique on the page; `name`; `schema`; `value`; `change`, told each new value.
 * @returns {{node: HTMLElement, fail: function(string[], string): void, clear: function(): void}} `fail` says what is
 *   wrong, with the rest of the pointer: which end of a range it is.
 */
export function drawField({ id, name, schema, value, change }) {
  const { kind, inner, isNullable } = readKind(schema);
  const label = name === "p" ? "Chance" : `${name[0].toUpperCase()}${name.slice(1)}`.replaceAll("_", " ");
  const error = el("p.error-text", { id: `${id}-error`, hidden: true });
  const common = { id, label, inner, isNullable, value, change, described: `${id}-hint ${id}-error` };
  const { controls, content, isGroup } = DRAW[kind](common);
  const hint = el("p.hint", { id: `${id}-hint` }, schema.description && writeHint(schema.description));
  const head = isGroup ? el("legend", {}, label) : kind === "check" ? null : el("label", { for: id }, label);
  const node = el(isGroup ? "fieldset.row" : "div.row", { data: { name } }, head, content, hint, error);
  const fail = (rest, text) => {
    const which = controls[Number(rest[0] ?? NaN)];
    for (const control of which ? [which] : controls) control.setAttribute("aria-invalid", "true");
    error.hidden = false;
    put(error, writeHint(error.textContent ? `${error.textContent}; ${text}` : text));
  };
  const clear = () => {
    for (const control of controls) control.removeAttribute("aria-invalid");
    error.hidden = true;
    put(error);
  };
  return { node, fail, clear };
}

const DRAW = { number: drawNumber, range: drawRange, choice: drawChoice, check: drawCheck, colour: drawColour, some: drawSome, list: drawList, json: drawJson };

/** Between a slider's positions and values; null where a slider would be of no use. */
function makeScale({ minimum: low, maximum: high, type }) {
  if (low === undefined || high === undefined) return null;
  const isWhole = type === "integer";
  const isLog = low > 0 && high / low >= WIDE;
  if (!isLog && high - low > MAX_SPAN) return null;
  const digits = isWhole ? 0 : Math.max(0, 2 - Math.floor(Math.log10(high - low)));
  const round = (value) => (isWhole ? Math.round(value) : isLog ? Number(value.toPrecision(3)) : Number(value.toFixed(digits)));
  const toValue = (position) => {
    const share = position / POSITIONS;
    return Math.min(high, Math.max(low, round(isLog ? low * (high / low) ** share : low + (high - low) * share)));
  };
  const toPosition = (value) => {
    const kept = Math.min(high, Math.max(low, Number(value)));
    return POSITIONS * (isLog ? Math.log(kept / low) / Math.log(high / low) : (kept - low) / (high - low || 1));
  };
  return { toValue, toPosition };
}

function stepOf({ type, minimum = 0, maximum = 1 }) {
  if (type === "integer") return 1;
  return Number((10 ** Math.min(0, Math.floor(Math.log10(maximum - minimum)) - 1)).toPrecision(1));
}

function drawInput({ inner, described, id, value, label }) {
  const { minimum, maximum } = inner;
  const input = el("input", { type: "number", id, step: stepOf(inner), min: minimum, max: maximum, inputmode: "decimal", "aria-describedby": described, "aria-label": label });
  input.value = value ?? "";
  return input;
}

const readNumber = (input) => (input.value.trim() === "" ? null : Number(input.value));

function drawThumb(scale, label) {
  return el("input", { type: "range", min: 0, max: POSITIONS, step: "any", tabindex: "-1", "aria-label": `${label}, by slider` });
}

function drawNumber({ id, label, inner, value, change, described }) {
  const input = drawInput({ inner, described, id, value });
  const scale = makeScale(inner);
  const thumb = scale && drawThumb(scale, label);
  const follow = () => {
    if (thumb && input.value !== "") thumb.value = scale.toPosition(input.value);
  };
  input.addEventListener("input", () => {
    follow();
    change(readNumber(input));
  });
  thumb?.addEventListener("input", () => {
    input.value = scale.toValue(Number(thumb.value));
    change(readNumber(input));
  });
  follow();
  return { controls: [input], content: thumb ? el("div.slider", {}, thumb, input) : input };
}

function drawRange({ id, label, inner, isNullable, value, change, described }) {
  const ends = ["from", "to"].map((end, place) =>
    drawInput({ inner: inner.items, described, id: place ? `${id}-to` : id, value: value?.[place], label: `${label}, ${end}` }),
  );
  const scale = makeScale(inner.items);
  const thumbs = scale ? ["from", "to"].map((end) => drawThumb(scale, `${label}, ${end}`)) : [];
  const span = scale && el("div.span", {}, el("span.span-fill"), thumbs);
  const tell = () => {
    const values = ends.map(readNumber);
    change(isNullable && values.every((one) => one === null) ? null : values);
  };
  const follow = () => {
    if (!scale) return;
    span.toggleAttribute("data-unset", ends.some((end) => end.value === ""));
    thumbs.forEach((thumb, place) => (thumb.value = scale.toPosition(ends[place].value || 0)));
    thumbs.forEach((thumb, place) => span.style.setProperty(place ? "--to" : "--from", `${(100 * thumb.value) / POSITIONS}%`));
    thumbs[0].classList.toggle("above", Number(thumbs[0].value) > POSITIONS / 2);
  };
  ends.forEach((end) => end.addEventListener("input", () => {
    follow();
    tell();
  }));
  thumbs.forEach((thumb, place) => thumb.addEventListener("input", () => {
    const chosen = scale.toValue(Number(thumb.value));
    const other = ends[1 - place];
    ends[place].value = chosen;
    if (other.value === "" || (place ? Number(other.value) > chosen : Number(other.value) < chosen)) other.value = chosen;
    follow();
    tell();
  }));
  follow();
  return { controls: ends, content: el("div.ends", {}, ends[0], el("span", { "aria-hidden": "true" }, "to"), ends[1], span), isGroup: true };
}

function drawChoice({ id, inner, isNullable, value, change, described }) {
  const select = el(
    "select",
    { id, "aria-describedby": described },
    isNullable && el("option", { value: "" }, "Not set"),
    inner.enum.map((one) => el("option", { value: one }, one)),
  );
  if (value !== null && !inner.enum.includes(value)) select.append(el("option", { value: String(value) }, String(value)));
  select.value = value ?? "";
  select.addEventListener("change", () => change(select.value === "" ? null : select.value));
  return { controls: [select], content: select };
}

function drawCheck({ id, label, value, change, described }) {
  const box = el("input", { type: "checkbox", id, "aria-describedby": described });
  box.checked = value === true;
  box.addEventListener("change", () => change(box.checked));
  return { controls: [box], content: el("label.check", { for: id }, box, label) };
}

function drawColour({ id, value, change, described }) {
  const input = el("input", { type: "color", id, "aria-describedby": described });
  const parts = Array.isArray(value) ? value : [255, 255, 255];
  input.value = `#${parts.map((part) => Number(part).toString(16).padStart(2, "0")).join("")}`;
  input.addEventListener("input", () => change([1, 3, 5].map((place) => parseInt(input.value.slice(place, place + 2), 16))));
  return { controls: [input], content: input };
}

function drawSome({ id, label, inner, value, change, described }) {
  const { minimum, maximum } = inner.items;
  const chosen = new Set(Array.isArray(value) ? value : []);
  const toggle = ({ currentTarget: button }) => {
    const number = Number(button.dataset.value);
    if (!chosen.delete(number)) chosen.add(number);
    button.setAttribute("aria-pressed", String(chosen.has(number)));
    change([...chosen].sort((one, other) => one - other));
  };
  const buttons = Array.from({ length: maximum - minimum + 1 }, (_, place) => place + minimum).map((number, place) =>
    el(
      "button.segment.small",
      { type: "button", id: place ? null : id, "aria-pressed": String(chosen.has(number)), data: { value: number }, on: { click: toggle } },
      String(number),
    ),
  );
  const group = el("div.segments", { role: "group", "aria-label": label, "aria-describedby": described }, buttons);
  return { controls: [group], content: group, isGroup: true };
}

function drawList({ id, value, change, described }) {
  const input = el("input", { id, autocomplete: "off", inputmode: "decimal", placeholder: "1, 2, 3", "aria-describedby": described });
  input.value = Array.isArray(value) ? value.join(", ") : "";
  const read = (text) => (Number.isNaN(Number(text)) ? text : Number(text));
  input.addEventListener("input", () => {
    const parts = input.value.split(",").map((part) => part.trim()).filter(Boolean);
    change(parts.length ? parts.map(read) : null);
  });
  return { controls: [input], content: input };
}

function drawJson({ id, value, change, described }) {
  const input = el("input.mono", { id, autocomplete: "off", spellcheck: "false", "aria-describedby": described });
  input.value = value === null ? "" : JSON.stringify(value);
  input.addEventListener("input", () => {
    try {
      change(input.value.trim() ? JSON.parse(input.value) : null);
    } catch {
      change(input.value);
    }
  });
  return { controls: [input], content: input };
}
