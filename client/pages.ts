/** A page of a list. */
export interface Page<Item> {
  items: Item[];
  /** The `cursor` of the next page; absent on the last one. */
  nextCursor?: string;
}

/** A list of the API: `for await (const item of list)` reads every page when it is needed. */
export interface List<Item> extends AsyncIterable<Item> {
  /** The pages, for a program that stores a cursor and continues there later. */
  pages(): AsyncIterable<Page<Item>>;
  /** Reads at most `limit` items into an array. */
  take(limit: number): Promise<Item[]>;
}

/** @param read returns the page at a cursor; the first one without */
export function listOf<Item>(
  read: (cursor: string | undefined) => Promise<Page<Item>>,
  first?: string,
): List<Item> {
  async function* pages() {
    let cursor = first;
    do {
      const page = await read(cursor);
      yield page;
      cursor = page.nextCursor;
    } while (cursor !== undefined);
  }
  async function* items() {
    for await (const page of pages()) yield* page.items;
  }
  return {
    pages,
    [Symbol.asyncIterator]: items,
    async take(limit) {
      const taken: Item[] = [];
      if (limit <= 0) return taken;
      for await (const item of items()) {
        taken.push(item);
        if (taken.length >= limit) break;
      }
      return taken;
    },
  };
}
