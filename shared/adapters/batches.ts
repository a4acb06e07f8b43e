/** Splits entries, in order, into batches of at most so many entries and bytes. A larger entry is alone. */
export function batches<Entry>(
  entries: readonly Entry[],
  of: { maxEntries: number; maxBytes: number; bytesOf: (entry: Entry) => number },
): Entry[][] {
  const all: Entry[][] = [];
  let bytes = 0;
  for (const entry of entries) {
    const size = of.bytesOf(entry);
    const current = all.at(-1);
    if (current && current.length < of.maxEntries && bytes + size <= of.maxBytes) {
      current.push(entry);
      bytes += size;
    } else {
      all.push([entry]);
      bytes = size;
    }
  }
  return all;
}
