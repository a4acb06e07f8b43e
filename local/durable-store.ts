import { chmodSync, mkdirSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { isMainThread } from "node:worker_threads";

/** Named JSON values. With a data directory they survive `kill -9`. */
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
 * Opens the store of the local run's own state: rules, schedules, secrets,
 * delayed messages, the simulator's work, the clock. Without a directory the
 * state is kept in memory only.
 *
 * Writes are synchronous: a value survives the death of the process once `put`
 * has returned. An operating system crash may lose the last writes (SQLite in WAL
 * mode).
 *
 * @throws Error when the directory is used by another run, or holds another file
 *   of that name
 */
export function openDurableStore(dataDir?: string): DurableStore {
  if (dataDir) mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  if (dataDir) keepForOwner(dataDir);
  const db = new DatabaseSync(dataDir ? join(dataDir, "local.db") : ":memory:");
  try {
    // Exclusive, because two runs on one directory would overwrite each other's state.
    db.exec("PRAGMA locking_mode = EXCLUSIVE");
    db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    db.exec(
      "CREATE TABLE IF NOT EXISTS entry (collection TEXT, key TEXT, value TEXT, PRIMARY KEY (collection, key)) WITHOUT ROWID",
    );
  } catch (cause) {
    db.close();
    throw new Error(
      `The data directory ${dataDir} is in use by another run, or its local.db is not a file of a local run`,
      {
        cause,
      },
    );
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

/** What a run creates in its data directory: the SQLite and LevelDB files of its stores. */
const dataFiles = /^(local\.db|dynamodb|queues)/;

/**
 * Makes the files of the data directory readable by their owner alone, whatever the
 * mode of the directory: they contain keys and tokens. Files that this process
 * creates later are so too.
 */
function keepForOwner(dataDir: string): void {
  // A worker thread cannot set it.
  if (isMainThread) process.umask(0o077);
  for (const entry of readdirSync(dataDir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!dataFiles.test(relative(dataDir, path))) continue;
    if (entry.isDirectory()) chmodSync(path, 0o700);
    else if (entry.isFile()) chmodSync(path, 0o600);
  }
}
