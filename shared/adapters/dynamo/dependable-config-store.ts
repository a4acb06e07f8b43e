import type { ConfigStore } from "../../core/administration/administration.ts";
import { callDependency } from "../dependency-down.ts";

/** The same store, whose every fault is DEPENDENCY_DOWN: for callers who are answered with codes. */
export function makeDependable(store: ConfigStore): ConfigStore {
  const guard =
    <Args extends unknown[], Result>(call: (...args: Args) => Promise<Result>) =>
    (...args: Args): Promise<Result> =>
      callDependency("the config table", () => call(...args));
  return {
    create: guard(store.create),
    exists: guard(store.exists),
    connection: guard(store.connection),
    connectionsOf: guard(store.connectionsOf),
    replaceConnection: guard(store.replaceConnection),
    deleteConnection: guard(store.deleteConnection),
    account: guard(store.account),
    accountsOf: guard(store.accountsOf),
    addAccountIfNew: guard(store.addAccountIfNew),
    putAccount: guard(store.putAccount),
    deleteAccount: guard(store.deleteAccount),
    apiKeysOf: guard(store.apiKeysOf),
    revokeApiKey: guard(store.revokeApiKey),
  };
}
