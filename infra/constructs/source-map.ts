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
 */
export function withoutDependencies(text: string): string {
  const { names, ...map }: SourceMap = JSON.parse(text);
  const sources: string[] = [];
  const newIndexes = map.sources.map((source) =>
    source.includes("node_modules/") ? undefined : sources.push(source) - 1,
  );
  const ownSegment = ([column, source, line, sourceColumn]: SourceMapSegment): SourceMapSegment => {
    const index = source === undefined ? undefined : newIndexes[source];
    return index === undefined ? [column] : [column, index, line ?? 0, sourceColumn ?? 0];
  };
  const lines = decode(map.mappings).map((segments) =>
    segments
      .map(ownSegment)
      // Of consecutive segments without a source the first one is enough.
      .filter(({ length }, index, all) => length > 1 || all[index - 1]?.length !== 1),
  );
  return JSON.stringify({ ...map, sources, names: [], mappings: encode(lines) });
}
