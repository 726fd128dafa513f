// The policy as text: where each value of a JSON text is, and what is wrong at which line.

import { writeJson } from "./api.js";

const LITERALS = { true: true, false: false, null: null };
const TOKEN = /\s*(?:([{}[\],:])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)|(true|false|null)\b)/y;
const MAX_DEPTH = 64;

/** Text that is no JSON. */
export class JsonTextError extends Error {
  constructor(detail, offset) {
    super(detail);
    this.offset = offset;
  }
}

/**
 * Read JSON and remember where values are.
 * @returns {{value: any, places: Map<string, [number, number]>}} `places` has start and end by JSON pointer.
 * @throws {JsonTextError}
 */
export function readJson(text) {
  const scan = new Scan(text);
  const value = scan.readValue("", 0);
  if (scan.peek()) scan.fail("Something follows the end of the policy");
  return { value, places: scan.places };
}

class Scan {
  constructor(text) {
    Object.assign(this, { text, at: 0, places: new Map() });
  }

  /** The next token: {sign, text, number, literal, start, end}; null at the end. */
  peek() {
    if (!this.text.slice(this.at).trim()) return null;
    TOKEN.lastIndex = this.at;
    const found = TOKEN.exec(this.text);
    if (!found) this.fail("This is not JSON");
    const [all, sign, string, number, literal] = found;
    const start = this.at + all.length - all.trimStart().length;
    return { sign, string, number, literal, start, end: this.at + all.length };
  }

  next(wanted) {
    const token = this.peek();
    if (!token) this.fail(wanted ? `The text ends where ${wanted} should be` : "The text ends too early");
    this.at = token.end;
    return token;
  }

  fail(detail, offset = this.at) {
    throw new JsonTextError(detail, offset + (this.text.slice(offset).length - this.text.slice(offset).trimStart().length));
  }

  readValue(pointer, depth) {
    if (depth > MAX_DEPTH) this.fail("This is too deep");
    const token = this.next("a value");
    const value = this.readToken(token, pointer, depth);
    this.places.set(pointer, [token.start, this.at]);
    return value;
  }

  readToken({ sign, string, number, literal, start }, pointer, depth) {
    if (string !== undefined) return JSON.parse(string);
    if (number !== undefined) return Number(number);
    if (literal !== undefined) return LITERALS[literal];
    if (sign === "[") return this.readItems("]", [], (list) => list.push(this.readValue(`${pointer}/${list.length}`, depth + 1)));
    if (sign === "{") return this.readItems("}", {}, (object) => this.readMember(object, pointer, depth));
    return this.fail("A value should be here", start);
  }

  readMember(object, pointer, depth) {
    const { string, start } = this.next("a name");
    if (string === undefined) this.fail("A name in quotes should be here", start);
    const name = JSON.parse(string);
    if (Object.hasOwn(object, name)) this.fail(`“${name}” is there twice`, start);
    const colon = this.next("a colon");
    if (colon.sign !== ":") this.fail("A colon should be here", colon.start);
    const value = this.readValue(`${pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`, depth + 1);
    Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
  }

  readItems(end, into, readOne) {
    if (this.peek()?.sign === end) {
      this.next();
      return into;
    }
    for (;;) {
      readOne(into);
      const { sign, start } = this.next(`a comma or ${end}`);
      if (sign === end) return into;
      if (sign !== ",") this.fail(`A comma or ${end} should be here`, start);
    }
  }
}

/** Where a pointer's value is, or that of the nearest that holds it. */
export function findPlace(places, pointer) {
  for (let at = pointer; ; at = at.slice(0, at.lastIndexOf("/"))) {
    if (places.has(at)) return places.get(at);
    if (!at) return [0, 0];
  }
}

/** Line of an offset, from 1. */
export function lineOf(text, offset) {
  return text.slice(0, offset).split("\n").length;
}

const MINUS_ZERO = "\u0002"; // stands for -0, which JSON.stringify would write as 0: a trace would not be the same

function mark(value) {
  if (Object.is(value, -0)) return MINUS_ZERO;
  if (Array.isArray(value)) return value.map(mark);
  return value && typeof value === "object" ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, mark(one)])) : value;
}

const unmark = (text) => text.replaceAll(JSON.stringify(MINUS_ZERO), "-0.0");

/** Write JSON in which every number is the one that was read. */
export function writeExact(value) {
  return unmark(writeJson(mark(value)));
}

/** Write a policy over several lines: short arrays and objects in one. */
export function layOut(value) {
  return unmark(layOutMarked(mark(value), ""));
}

function layOutMarked(value, indent) {
  const short = JSON.stringify(value, null, 1)?.replaceAll(/\s*\n\s*/g, " ").replaceAll(/([[{]) | ([\]}])/g, "$1$2");
  if (value === null || typeof value !== "object" || (short.length + indent.length <= 64 && !short.includes('"ops"'))) return short;
  const inner = `${indent}  `;
  if (Array.isArray(value)) return value.length ? `[\n${value.map((one) => inner + layOutMarked(one, inner)).join(",\n")}\n${indent}]` : "[]";
  return `{\n${Object.entries(value).map(([key, one]) => `${inner}${JSON.stringify(key)}: ${layOutMarked(one, inner)}`).join(",\n")}\n${indent}}`;
}
