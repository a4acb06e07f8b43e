import { decode } from "@jridgewell/sourcemap-codec";
import { textOf } from "../tree.ts";

interface SourceMap {
  sources: string[];
  names: string[];
  mappings: string;
}

/** A position in a generated file, counted from 0. */
interface GeneratedPosition {
  line: number;
  column: number;
}

/**
 * Returns the number, counted from 1, of the only line of the file that contains the text.
 *
 * @param file relative to the repository
 */
export function lineOf(file: string, text: string): number {
  const lines = textOf(file).split("\n");
  const numbers = lines.flatMap((line, index) => (line.includes(text) ? [index + 1] : []));
  const [number] = numbers;
  if (number === undefined || numbers.length > 1) {
    throw new Error(`${file} has ${numbers.length} lines with "${text}", not 1`);
  }
  return number;
}

/**
 * Finds where a line of a TypeScript file begins in a generated file.
 *
 * @param map the text of the generated file's source map
 * @param line counted from 1
 */
export function positionOfLine(
  map: string,
  file: string,
  line: number,
): GeneratedPosition | undefined {
  return find(map, file, (at) => at === line - 1)[0];
}

/** Finds what is the last use of a name at or before a line of the TypeScript file. */
export function positionOfName(
  map: string,
  { file, line, name }: { file: string; line: number; name: string },
): GeneratedPosition | undefined {
  const index = (JSON.parse(map) as SourceMap).names.indexOf(name);
  return find(map, file, (at, used) => used === index && at < line).at(-1);
}

/** Finds the positions of a TypeScript file's segments, in the order of their source lines. */
function find(
  text: string,
  file: string,
  isWanted: (line: number, name: number | undefined) => boolean,
): GeneratedPosition[] {
  const { sources, mappings }: SourceMap = JSON.parse(text);
  const index = sources.findIndex((source) => source.endsWith(`/${file}`));
  return decode(mappings)
    .flatMap((segments, line) => segments.map(([column, ...source]) => ({ line, column, source })))
    .flatMap(({ source: [ofFile, sourceLine = 0, , name], ...position }) =>
      ofFile === index && isWanted(sourceLine, name) ? [{ position, sourceLine }] : [],
    )
    .sort((a, b) => a.sourceLine - b.sourceLine)
    .map(({ position }) => position);
}
