// Traces in words: what was applied to a copy, with the numbers that were drawn.

import { nameOperation } from "./augment-policy.js";

const QUIET = new Set(["fill", "value", "interpolation", "key"]); // said last, or not at all
const MAX_NUMBERS = 4;

/** One sentence for each step of a trace: [{name, numbers, rest}]. */
export function describeTrace(trace) {
  return trace.map((step) => {
    const { op, ...fields } = step;
    const parts = Object.entries(fields).filter(([name, value]) => !QUIET.has(name) && !isNothing(value));
    return {
      name: nameOperation(op),
      numbers: parts.map(([name, value]) => `${name.replaceAll("_", " ")} ${writePart(value)}`.trim()).join(", "),
      rest: writeRest(step),
    };
  });
}

/** A trace in one line, for labels: "rotate, flip"; what is applied without effect is there, too. */
export function nameTrace(trace) {
  return trace.length ? trace.map(({ op }) => nameOperation(op)).join(", ") : "nothing applied";
}

function isNothing(value) {
  return value === 0 || value === null || value === false;
}

function writeRest({ fill, value, interpolation }) {
  const parts = [
    fill && (fill === "constant" && value !== undefined ? `fill: level ${writePart(value)}` : `fill: ${fill}`),
    interpolation && `${interpolation} between pixels`,
  ];
  return parts.filter(Boolean).join(", ");
}

function writePart(value) {
  if (typeof value === "number") return String(Number.isInteger(value) ? value : Number(value.toPrecision(3))).replace("-", "−");
  if (value === true) return "";
  if (!Array.isArray(value)) return typeof value === "object" ? "(see JSON)" : String(value);
  if (value.flat(Infinity).length > MAX_NUMBERS) return `(${value.length} ${value.some(Array.isArray) ? "lists" : "values"})`;
  return value.map(writePart).map((one) => one || "yes").join(", ");
}
