import type { Collection, DurableStore } from "../../local/durable-store.ts";

/** The state of a run that ends with its process: JSON texts, so that nobody shares an object. */
export function openMemoryStore(): DurableStore {
  const collections = new Map<string, Map<string, string>>();

  return {
    collection<T>(name: string): Collection<T> {
      const texts = collections.get(name) ?? new Map<string, string>();
      collections.set(name, texts);
      const read = (text: string) => JSON.parse(text) as T;
      return {
        get: (key) => {
          const text = texts.get(key);
          return text === undefined ? undefined : read(text);
        },
        put: (key, value) => void texts.set(key, JSON.stringify(value)),
        delete: (key) => void texts.delete(key),
        entries: () =>
          [...texts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, text]) => [key, read(text)]),
      };
    },
    close: () => collections.clear(),
  };
}
