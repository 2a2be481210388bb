// Makes a thumbnail of a picture for each line on standard input, and prints the milliseconds that it took.
//
// node thumbnails.mjs PICTURE SIDE QUALITY
import { readFileSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import sharp from "sharp";

const [path, side, quality] = process.argv.slice(2);
const picture = readFileSync(path);
sharp.cache(false); // as in the service: no picture is decoded twice

console.log(`ready sharp ${sharp.versions.sharp}, libvips ${sharp.versions.vips}`);
for await (const _ of createInterface({ input: process.stdin })) {
  const started = performance.now();
  const thumbnail = await sharp(picture)
    .resize(Number(side), Number(side), { fit: "inside" })
    .jpeg({ quality: Number(quality) })
    .toBuffer();
  writeSync(1, `${performance.now() - started} ${thumbnail.length}\n`);
}
