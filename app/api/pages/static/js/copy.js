// "Copy as": the request that is on the screen as code for curl, Python and the command line; it runs as it stands.

import { getKey, ROOT, writeJson } from "./api.js";
import { copyText, el, put } from "./dom.js";

const WRAP = 88;

/** Quote a word for a POSIX shell. */
export function quoteShell(word) {
  const text = String(word);
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`;
}

/** A tuple of Python, for `writePython`. */
export class Tuple {
  constructor(...items) {
    this.items = items;
  }
}

/** Write a value as Python does. */
export function writePython(value) {
  if (value instanceof Tuple) return `(${value.items.map(writePython).join(", ")}${value.items.length === 1 ? "," : ""})`;
  if (value === null || value === undefined) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (Array.isArray(value)) return `[${value.map(writePython).join(", ")}]`;
  if (typeof value === "object") {
    return `{${Object.entries(value).map(([key, one]) => `${writePython(key)}: ${writePython(one)}`).join(", ")}}`;
  }
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

/**
 * Write a request for curl.
 * @param {object} request `method`, `path`, `json`, `parts` ([{name, file} or {name, json}] of a form), `output` (file).
 */
export function writeCurl({ method, path, json, parts, output }) {
  const lines = ["curl --fail-with-body -sS"];
  if (method && method !== "GET" && !(method === "POST" && (json || parts))) lines[0] += ` -X ${method}`;
  lines[0] += ` ${quoteShell(ROOT.replace(/\/$/, "") + path)}`;
  if (getKey()) lines.push('-H "Authorization: Bearer $FOUNT_API_KEY"');
  if (json !== undefined) lines.push("-H 'Content-Type: application/json'", `-d ${quoteShell(layJson(json))}`);
  for (const part of parts ?? []) {
    const value = part.file === undefined ? `${part.name}=${writeJson(part.json)};type=application/json` : `${part.name}=@${part.file}`;
    lines.push(`-F ${quoteShell(value)}`);
  }
  if (output) lines.push(`-o ${quoteShell(output)}`);
  return lines.join(" \\\n  ");
}

/** Write JSON in one line if it fits, else a member on each. */
function layJson(json) {
  const line = (value) => writeJson(value).replaceAll(/("(?:[^"\\]|\\.)*")|([,:])/g, (_, text, sign) => text ?? `${sign} `);
  const whole = line(json);
  if (whole.length <= WRAP - 8 || Array.isArray(json)) return whole;
  const members = Object.entries(json).filter(([, value]) => value !== undefined);
  return `{\n${members.map(([key, value]) => `    ${JSON.stringify(key)}: ${line(value)}`).join(",\n")}\n  }`;
}

/**
 * Write a call of the Python client.
 * @param {object} call `name` of the method, `args`, `kwargs`; `result` (its name, default "result"), `then` (lines).
 */
export function writeClient({ name, args = [], kwargs = {}, result = "result", then = [] }) {
  const key = getKey();
  const words = [...args.map(writePython), ...Object.entries(kwargs).map(([word, value]) => `${word}=${writePython(value)}`)];
  const head = `${result} = client.${name}(`;
  const line = `${head}${words.join(", ")})`;
  const url = JSON.stringify(ROOT.replace(/\/$/, ""));
  return [
    ...(key ? ["import os", ""] : []),
    "from app.client import Client",
    "",
    key ? `client = Client(${url}, os.environ["FOUNT_API_KEY"])` : `client = Client(${url})`,
    line.length <= WRAP ? line : `${head}\n    ${words.join(",\n    ")},\n)`,
    ...then,
  ].join("\n");
}

/** Write words for a shell, or several commands: [[word, …], …]. */
export function writeCommand(command) {
  const all = Array.isArray(command[0]) ? command : [command];
  return all.map((words) => words.map(quoteShell).join(" ")).join("\n");
}

let count = 0;

/**
 * Show a request as code, in tabs.
 * @param {HTMLElement} host What to fill; filled anew by each call, with the tab that was chosen before.
 * @param {object} request `http` for `writeCurl`, `client` for `writeClient`, `cli` for `writeCommand`; each may be
 *   left out, and `notes` says under a tab what is to be known: {curl, python, cli}.
 */
export function showCopies(host, { http, client, cli, notes = {} }) {
  const texts = [
    ["curl", "curl", http && writeCurl(http)],
    ["python", "Python", client && writeClient(client)],
    ["cli", "Command line", cli && writeCommand(cli)],
  ].filter(([, , text]) => text);
  const id = (host.dataset.copyId ??= `copy-${(count += 1)}`);
  const chosen = texts.some(([name]) => name === host.dataset.tab) ? host.dataset.tab : texts[0][0];
  const hadFocus = host.contains(document.activeElement) && document.activeElement.role === "tab";
  const tabs = texts.map(([name, label]) =>
    el(
      "button.tab",
      {
        type: "button",
        role: "tab",
        id: `${id}-${name}`,
        "aria-controls": `${id}-panel`,
        "aria-selected": String(name === chosen),
        tabindex: name === chosen ? "0" : "-1",
        on: { click: () => choose(name) },
      },
      label,
    ),
  );
  const choose = (name) => {
    host.dataset.tab = name;
    showCopies(host, { http, client, cli, notes });
  };
  const text = texts.find(([name]) => name === chosen)[2];
  const list = el("div.tabs", { role: "tablist", "aria-label": "Copy as", on: { keydown: (event) => turn(event, texts, chosen, choose) } }, tabs);
  const panel = el(
    "div.code",
    { role: "tabpanel", id: `${id}-panel`, "aria-labelledby": `${id}-${chosen}` },
    el("pre", { tabindex: "0" }, el("code", {}, text)),
    el("button.button.copy", { type: "button", on: { click: () => copyText(text, "Code copied") } }, "Copy"),
  );
  put(host, list, panel, notes[chosen] && el("p.hint", {}, notes[chosen]));
  if (hadFocus) host.querySelector('[aria-selected="true"]').focus();
}

function turn(event, texts, chosen, choose) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const here = texts.findIndex(([name]) => name === chosen);
  choose(texts[(here + step + texts.length) % texts.length][0]);
}
