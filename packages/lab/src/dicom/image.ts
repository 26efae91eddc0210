// image.ts — a real DICOM image with random pixels, and whether it arrived whole.
import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { mustRun, type Run } from "@lbpair/common";

export interface Image {
  readonly file: string;
  /** SOP instance UID, unique to this image. */
  readonly uid: string;
  readonly pixels: Buffer;
}

const CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2";
const EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1";
/** Root of UIDs made from random numbers (PS3.5 annex B.2). */
const uidOf = (random: Buffer): string => `2.25.${BigInt(`0x${random.toString("hex")}`)}`;

const dump = (uid: string, side: number, pixelFile: string): string =>
  [
    `(0002,0010) UI [${EXPLICIT_LITTLE_ENDIAN}]`,
    `(0008,0016) UI [${CT_IMAGE}]`,
    `(0008,0018) UI [${uid}]`,
    "(0008,0020) DA [20260101]",
    "(0008,0060) CS [CT]",
    "(0010,0010) PN [Failover^Frieda]",
    "(0010,0020) LO [LBPAIR1]",
    `(0020,000d) UI [${uid}.1]`,
    `(0020,000e) UI [${uid}.2]`,
    "(0028,0002) US 1",
    "(0028,0004) CS [MONOCHROME2]",
    `(0028,0010) US ${side}`,
    `(0028,0011) US ${side}`,
    "(0028,0100) US 16",
    "(0028,0101) US 16",
    "(0028,0102) US 15",
    "(0028,0103) US 0",
    `(7fe0,0010) OW =${pixelFile}`,
    "",
  ].join("\n");

/** Makes a square 16-bit image of about so many megabytes; random, so that no byte can be guessed. */
export async function makeImage(run: Run, folder: string, megabytes: number): Promise<Image> {
  await mkdir(folder, { recursive: true });
  const side = Math.floor(Math.sqrt((megabytes * 1_000_000) / 2));
  const pixels = randomBytes(side * side * 2);
  // Leaves room for the suffixes of study and series below the 64 characters of a UID.
  const uid = uidOf(randomBytes(12));
  const file = join(folder, `${uid}.dcm`);
  const pixelFile = `${file}.pixels`;
  await writeFile(pixelFile, pixels);
  await writeFile(`${file}.dump`, dump(uid, side, pixelFile));
  await mustRun(run, ["dump2dcm", "-q", `${file}.dump`, file]);
  await rm(pixelFile);
  await rm(`${file}.dump`);
  return { file, uid, pixels };
}

/** Where an image was received, and whether every pixel is there. */
export async function findImage(
  folder: string,
  image: Image,
): Promise<"whole" | "damaged" | "missing"> {
  const names = await readdir(folder).catch(() => [] as string[]);
  const name = names.find((entry) => entry.includes(image.uid));
  if (name === undefined) return "missing";
  const received = await readFile(join(folder, name));
  // Pixel data is the last element of the file.
  return received.subarray(-image.pixels.length).equals(image.pixels) ? "whole" : "damaged";
}
