// Other pixels in a PNG file of ours, which keeps what it says of itself.

const SIGNATURE = 8;
const COLOUR_TYPE = 25;
const GREY = 0;

/** Paint a square into a file; all its chunks but those of the pixels stay as they are. */
export async function paintSquare(file) {
  const png = new Uint8Array(await file.arrayBuffer());
  const pixels = await readPainted(file);
  const rows = packRows(pixels, png[COLOUR_TYPE] === GREY ? 1 : 3);
  const packed = new Blob([rows]).stream().pipeThrough(new CompressionStream("deflate"));
  const data = new Uint8Array(await new Response(packed).arrayBuffer());
  return new File([replaceData(png, data)], `changed-${file.name}`, { type: "image/png" });
}

async function readPainted(file) {
  const image = await createImageBitmap(file);
  const canvas = document.createElement("canvas");
  canvas.width = image.width;
  canvas.height = image.height;
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const side = Math.max(2, Math.round(image.width / 8));
  context.fillStyle = "#999";
  context.fillRect(2, 2, side, side);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

function packRows({ width, height, data }, channels) {
  const stride = 1 + width * channels;
  const rows = new Uint8Array(height * stride);
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    const at = Math.floor(pixel / width) * stride + 1 + (pixel % width) * channels;
    rows.set(data.subarray(4 * pixel, 4 * pixel + channels), at);
  }
  return rows;
}

function replaceData(png, data) {
  const view = new DataView(png.buffer);
  const parts = [png.subarray(0, SIGNATURE)];
  let isWritten = false;
  for (let at = SIGNATURE; at < png.length; ) {
    const end = at + 12 + view.getUint32(at);
    const isData = String.fromCharCode(...png.subarray(at + 4, at + 8)) === "IDAT";
    if (!isData) parts.push(png.subarray(at, end));
    else if (!isWritten) parts.push(writeChunk("IDAT", data));
    isWritten ||= isData;
    at = end;
  }
  return new Blob(parts);
}

function writeChunk(name, data) {
  const chunk = new Uint8Array(12 + data.length);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, data.length);
  chunk.set(new TextEncoder().encode(name), 4);
  chunk.set(data, 8);
  view.setUint32(8 + data.length, checksum(chunk.subarray(4, 8 + data.length)));
  return chunk;
}

function checksum(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  }
  return (sum ^ 0xffffffff) >>> 0;
}
