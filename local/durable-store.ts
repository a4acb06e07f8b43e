import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Named JSON values that survive `kill -9` where a data directory is given. */
export interface Collection<T> {
  get(key: string): T | undefined;
  put(key: string, value: T): void;
  delete(key: string): void;
  entries(): [key: string, value: T][];
}

export interface DurableStore {
  collection<T>(name: string): Collection<T>;
  close(): void;
}

/**
 * Opens the local run's own state (rules, schedules, secrets, delayed messages,
 * the simulator's work, the clock). Without a directory nothing is kept.
 *
 * Writes are synchronous: what `put` returned from is on disk as far as a killed
 * process is concerned (WAL; an operating system crash may lose the last writes).
 */
export function openDurableStore(dataDir?: string): DurableStore {
  if (dataDir) mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const db = new DatabaseSync(dataDir ? join(dataDir, "local.db") : ":memory:");
  try {
    // Exclusive: two runs on one directory would each undo what the other does.
    db.exec("PRAGMA locking_mode = EXCLUSIVE");
    db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    db.exec(
      "CREATE TABLE IF NOT EXISTS entry (collection TEXT, key TEXT, value TEXT, PRIMARY KEY (collection, key)) WITHOUT ROWID",
    );
  } catch (cause) {
    db.close();
    throw new Error(`The data directory ${dataDir} is in use by another run, or not ours`, {
      cause,
    });
  }
  const get = db.prepare("SELECT value FROM entry WHERE collection = ? AND key = ?");
  const put = db.prepare("INSERT OR REPLACE INTO entry VALUES (?, ?, ?)");
  const remove = db.prepare("DELETE FROM entry WHERE collection = ? AND key = ?");
  const all = db.prepare("SELECT key, value FROM entry WHERE collection = ? ORDER BY key");
  return {
    collection: <T>(name: string): Collection<T> => ({
      get: (key) => {
        const row = get.get(name, key);
        return row ? (JSON.parse(String(row.value)) as T) : undefined;
      },
      put: (key, value) => void put.run(name, key, JSON.stringify(value)),
      delete: (key) => void remove.run(name, key),
      entries: () =>
        all.all(name).map((row) => [String(row.key), JSON.parse(String(row.value)) as T]),
    }),
    close: () => db.close(),
  };
}
