// What somebody has of each class: read from lines, CSV, JSON, or the names of a folder's files, in the browser.

const IMAGE = /\.(png|jpe?g|webp|gif|tiff?|bmp|npy)$/i;
const LABEL_HEADS = ["label", "labels", "class", "class_label", "class_name", "target", "category", "y"];
const COUNT_HEADS = ["count", "counts", "n", "num", "number", "images", "have"];
const MAX_FILE = 64 * 2 ** 20;
const MAX_COUNT = 1e9;

/**
 * Read counts from text.
 * @returns {{counts: Map<string, number>, how: string, problems: string[]}} `how` says what was understood.
 */
export function readCounts(text) {
  const trimmed = text.trim();
  if (!trimmed) return { counts: new Map(), how: "", problems: [] };
  if (trimmed.startsWith("{") || trimmed.startsWith("[")) return readJson(trimmed);
  const lines = trimmed.split(/\r?\n/).map((line) => line.trim()).filter((line) => line && !line.startsWith("#"));
  const pairs = lines.map(readPair);
  const hasHead = pairs.length > 1 && pairs.slice(1).every(Boolean) && isHead(lines[0]);
  if (hasHead || pairs.every(Boolean)) return sumPairs(pairs.filter(Boolean));
  return readTable(lines, pairs);
}

function readPair(line) {
  const quoted = /^"([^"]+)"\s*[:=,;\t]\s*"?([\d_,' ]+)"?,?$/.exec(line);
  const plain = quoted ?? /^([^:=,;\t]+?)\s*[:=;\t]\s*([\d_,' ]+)$/.exec(line) ?? /^([^,]+?)\s*,\s*(\d+)$/.exec(line) ?? /^(\S+)\s+(\d[\d_]*)$/.exec(line);
  if (!plain) return null;
  const name = plain[1].trim();
  return IMAGE.test(name) ? null : [name, Number(plain[2].replaceAll(/[_,' ]/g, ""))];
}

function isHead(line) {
  const cells = splitRow(line).map((cell) => cell.toLowerCase());
  return cells.length === 2 && (LABEL_HEADS.includes(cells[0]) || COUNT_HEADS.includes(cells[1]));
}

function sumPairs(pairs) {
  const counts = new Map();
  const problems = [];
  for (const [name, count] of pairs) {
    if (counts.has(name)) problems.push(`${name} is listed twice; the numbers are added.`);
    if (count > MAX_COUNT) problems.push(`${name}: a number up to 1,000,000,000.`);
    else counts.set(name, (counts.get(name) ?? 0) + count);
  }
  return { counts, how: `Read ${plural(counts.size, "class", "classes")} with their numbers.`, problems };
}

function readJson(text) {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    return { counts: new Map(), how: "", problems: ["This is not JSON: is a bracket or a comma missing?"] };
  }
  if (Array.isArray(value)) {
    const labels = value.map(readLabel);
    if (labels.some((label) => typeof label !== "string" && typeof label !== "number")) return {
      counts: new Map(),
      how: "",
      problems: ["A list must hold labels, or objects with a member label."],
    };
    return countLabels(labels.map(String));
  }
  const have = value.have ?? value.class_counts ?? value;
  const entries = Object.entries(have);
  const wrong = entries.filter(([, count]) => !Number.isInteger(count) || count < 0);
  if (wrong.length) return {
    counts: new Map(),
    how: "",
    problems: [`${wrong[0][0]}: a whole number from 0 is needed.`],
  };
  return sumPairs(entries);
}

function readLabel(one) {
  if (one === null || typeof one !== "object") return one;
  return LABEL_HEADS.map((head) => one[head]).find((label) => label !== undefined);
}

function splitRow(line) {
  const cells = line.match(/("(?:[^"]|"")*"|[^,;\t]*)(?:[,;\t]|$)/g) ?? [];
  if (cells.length > 1 && cells.at(-1) === "") cells.pop();
  return cells.map((cell) => cell.replace(/[,;\t]$/, "").trim().replace(/^"|"$/g, "").replaceAll('""', '"'));
}

/** A table with one image on each line: count the values of its label column. */
function readTable(lines, pairs) {
  const rows = lines.map(splitRow);
  const heads = rows[0].map((cell) => cell.toLowerCase());
  const named = heads.findIndex((head) => LABEL_HEADS.includes(head));
  if (named >= 0) return countLabels(rows.slice(1).map((row) => row[named]), rows[0][named]);
  const isList = pairs.every((pair) => pair === null) && rows.every((row) => row.length === 1);
  if (isList) return countLabels(rows.map(([label]) => label));
  const namesFiles = rows[0].length === 2 && rows.every((row) => IMAGE.test(row[0]));
  if (namesFiles) return countLabels(rows.map(([, label]) => label));
  const bad = pairs.findIndex((pair) => pair === null);
  return {
    counts: new Map(),
    how: "",
    problems: [
      `Line ${bad + 1} is not a class and a number: “${lines[bad].slice(0, 60)}”. A table of labels needs a column named label or class.`,
    ],
  };
}

function countLabels(labels, column = null) {
  const counts = new Map();
  for (const label of labels) if (label !== undefined && label !== "") counts.set(label, (counts.get(label) ?? 0) + 1);
  const where = column ? ` in the column ${column}` : "";
  return {
    counts,
    how: `Counted ${plural(labels.length, "label", "labels")}${where}: ${plural(counts.size, "class", "classes")}.`,
    problems: [],
  };
}

/** Read a file of counts or labels. */
export async function readFile(file) {
  if (file.size > MAX_FILE) return {
    counts: new Map(),
    how: "",
    problems: [`${file.name} is larger than 64 MiB; paste the counts instead.`],
  };
  const read = readCounts(await file.text());
  return { ...read, how: read.how && `${file.name}: ${read.how}` };
}

/** Count images by the folder that they are in; `paths` are relative ("train/7/a.png"). */
export function countPaths(paths) {
  const counts = new Map();
  for (const path of paths) {
    const parts = path.split("/").filter(Boolean);
    if (IMAGE.test(path) && parts.length > 1) counts.set(parts.at(-2), (counts.get(parts.at(-2)) ?? 0) + 1);
  }
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const problems = total ? [] : ["There are no images in sub-folders of this folder."];
  return {
    counts,
    how: total ? `Counted ${plural(total, "image", "images")} in ${plural(counts.size, "folder", "folders")}.` : "",
    problems,
  };
}

/** List the paths of everything in dropped folders. */
export async function listEntries(entries) {
  const paths = [];
  const waiting = [...entries];
  while (waiting.length) {
    const entry = waiting.pop();
    if (entry.isFile) paths.push(entry.fullPath);
    else waiting.push(...(await readFolder(entry)));
  }
  return paths;
}

async function readFolder(entry) {
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return found;
    found.push(...some);
  }
}

/** Write counts as the text that reads as them. */
export function writeCounts(counts) {
  return [...counts].map(([name, count]) => `${name}: ${count}`).join("\n");
}

/**
 * Match what was typed with a model's classes: by name, by number, else by name in other letters.
 * @returns {{have: Map<string, number>, unknown: string[]}} `have` by class name, in the model's order.
 */
export function matchClasses(counts, classNames) {
  const found = new Map();
  const unknown = [];
  const lower = new Map(classNames.map((name) => [name.toLowerCase(), name]));
  for (const [label, count] of counts) {
    const number = /^(0|[1-9]\d{0,4})$/.test(label) ? classNames[Number(label)] : undefined;
    const name = classNames.includes(label) ? label : (number ?? lower.get(label.toLowerCase()));
    if (name === undefined) unknown.push(label);
    else found.set(name, (found.get(name) ?? 0) + count);
  }
  return {
    have: new Map(classNames.filter((name) => found.has(name)).map((name) => [name, found.get(name)])),
    unknown,
  };
}

export function plural(count, one, many) {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}
