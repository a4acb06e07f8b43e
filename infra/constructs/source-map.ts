import { decode, encode, type SourceMapSegment } from "@jridgewell/sourcemap-codec";

interface SourceMap {
  sources: string[];
  names: string[];
  mappings: string;
}

/**
 * Removes the mappings of dependencies from a bundle's source map: nine tenths of
 * its size, which every cold start would read. A position in a dependency has no
 * source afterwards; a stack trace shows it as the position in the bundle.
 *
 * @returns `undefined` where nothing but dependencies was mapped
 */
export function withoutDependencies(text: string): string | undefined {
  const map: SourceMap = JSON.parse(text);
  const sources = makeIndex(map.sources, (source) => !source.includes("node_modules/"));
  const names = makeIndex(map.names);
  const ownSegment = ([column, source, line, sourceColumn, name]: SourceMapSegment) => {
    const index = source === undefined ? undefined : sources.of(source);
    if (index === undefined) return [column] satisfies SourceMapSegment;
    const position = [column, index, line ?? 0, sourceColumn ?? 0] as const;
    const nameIndex = name === undefined ? undefined : names.of(name);
    return (nameIndex === undefined ? [...position] : [...position, nameIndex]) as SourceMapSegment;
  };
  const lines = decode(map.mappings).map((segments) =>
    segments
      .map(ownSegment)
      // Of consecutive segments without a source the first one is enough.
      .filter(({ length }, index, all) => length > 1 || all[index - 1]?.length !== 1),
  );
  if (sources.used.length === 0) return undefined;
  return JSON.stringify({
    ...map,
    sources: sources.used,
    names: names.used,
    mappings: encode(lines),
  });
}

/** Numbers the texts that are used, in the order in which they are first used. */
function makeIndex(texts: readonly string[], isKept: (text: string) => boolean = () => true) {
  const used: string[] = [];
  const newIndexes = new Map<number, number>();
  return {
    used,
    /** Returns the new index of the text with this index; `undefined` for one that is not kept. */
    of(index: number): number | undefined {
      const text = texts[index];
      if (text === undefined || !isKept(text)) return undefined;
      const known = newIndexes.get(index) ?? used.push(text) - 1;
      newIndexes.set(index, known);
      return known;
    },
  };
}
