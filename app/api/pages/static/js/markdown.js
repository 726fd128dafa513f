// Model cards as elements. As much of Markdown as cards use; what is not known stays text, and no markup is parsed.

import { el } from "./dom.js";

/** Render Markdown text to elements; metadata at its head and images are left out. */
export function renderMarkdown(text) {
  const lines = text.replace(/^---\n[\s\S]*?\n---\n/, "").split("\n");
  const blocks = [];
  while (lines.length) {
    const block = takeBlock(lines);
    if (block) blocks.push(block);
  }
  return blocks;
}

function takeBlock(lines) {
  const line = lines[0];
  if (!line.trim()) return void lines.shift();
  const heading = /^(#{1,4}) (.*)$/.exec(line);
  if (heading) {
    lines.shift();
    return el(`h${Math.min(heading[1].length + 1, 4)}`, {}, inline(heading[2]));
  }
  if (line.startsWith("```")) return takeCode(lines);
  if (line.startsWith("|")) return takeTable(lines);
  if (/^[-*] /.test(line)) return takeList(lines);
  if (line.startsWith("![")) return void lines.shift();
  return el("p", {}, inline(takeWhile(lines, (one) => one.trim() && !/^(#|```|\||[-*] |!\[)/.test(one)).join(" ")));
}

function takeWhile(lines, test) {
  const taken = [lines.shift()];
  while (lines.length && test(lines[0])) taken.push(lines.shift());
  return taken;
}

function takeCode(lines) {
  const [, ...body] = takeWhile(lines, (one) => !one.startsWith("```"));
  lines.shift();
  return el("div.code", {}, el("pre", { tabindex: "0" }, el("code", {}, body.join("\n"))));
}

function takeList(lines) {
  const items = [];
  for (const line of takeWhile(lines, (one) => /^([-*] | {2})/.test(one))) {
    if (/^[-*] /.test(line)) items.push(line.slice(2));
    else items[items.length - 1] += ` ${line.trim()}`;
  }
  return el("ul.list", {}, items.map((one) => el("li", {}, inline(one))));
}

function takeTable(lines) {
  const rows = takeWhile(lines, (one) => one.startsWith("|")).map((row) => row.split("|").slice(1, -1).map((cell) => cell.trim()));
  const head = rows.shift();
  rows.shift();
  const hasHead = head.some(Boolean);
  return el(
    "div.table-wrap",
    { tabindex: "0", role: "group", "aria-label": "Table" },
    el(
      "table.table",
      {},
      hasHead && el("thead", {}, el("tr", {}, head.map((cell) => el("th", { scope: "col" }, inline(cell))))),
      el(
        "tbody",
        {},
        rows.map(([first, ...rest]) => el("tr", {}, el("th", { scope: "row" }, inline(first)), rest.map((cell) => el("td", {}, inline(cell))))),
      ),
    ),
  );
}

function inline(text) {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*|\[[^\]]+\]\(https?:[^)\s]+\))/).map((part) => {
    if (/^`.+`$/.test(part)) return el("code", {}, part.slice(1, -1));
    if (/^\*\*.+\*\*$/.test(part)) return el("strong", {}, part.slice(2, -2));
    const link = /^\[(.+)\]\((.+)\)$/.exec(part);
    return link ? el("a", { href: link[2], rel: "noreferrer" }, link[1]) : part;
  });
}
