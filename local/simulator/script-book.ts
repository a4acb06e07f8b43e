import type { DurableStore } from "../durable-store.ts";
import type { Match, Script } from "./script.ts";
import type { SimulatedProvider } from "./simulated-provider.ts";

/** What a script can match. A member that is absent matches no condition on it. */
export interface Facts {
  provider: SimulatedProvider;
  method?: string;
  path?: string;
  actions?: readonly string[];
  account?: string;
  requestId?: string;
  state?: string;
  type?: string;
  /** The body as text. */
  text: string;
}

interface Counts {
  /** Matches, including those that the script skipped or was used up for. */
  matched: number;
  used: number;
}

/** Selects scripts and counts their uses; the counts survive `kill -9`. */
export function makeScriptBook(options: { store: DurableStore; scripts: () => readonly Script[] }) {
  const { scripts } = options;
  const counts = options.store.collection<Counts>("simulator-script-counts");
  const countsOf = (index: number): Counts => counts.get(String(index)) ?? { matched: 0, used: 0 };

  return {
    /** Returns the script that applies, and counts this use of it. */
    take(kinds: readonly Script["on"][], factsOf: () => Facts): Script | undefined {
      let facts: Facts | undefined;
      for (const [index, script] of scripts().entries()) {
        if (!kinds.includes(script.on)) continue;
        facts ??= factsOf();
        if (!matches(script.match, facts)) continue;
        const { matched, used } = countsOf(index);
        const applies = matched >= script.skip && used < (script.times ?? Number.POSITIVE_INFINITY);
        counts.put(String(index), { matched: matched + 1, used: used + (applies ? 1 : 0) });
        if (applies) return script;
      }
      return undefined;
    },

    /** Returns the scripts with the number of their uses. */
    list: () => scripts().map((script, index) => ({ ...script, ...countsOf(index) })),

    /** Forgets the counts; call it when the scripts are replaced. */
    reset(): void {
      for (const [index] of counts.entries()) counts.delete(index);
    },
  };
}

export type ScriptBook = ReturnType<typeof makeScriptBook>;

function matches(match: Match, facts: Facts): boolean {
  const { method, path, action, contains, ...equal } = match;
  return (
    Object.entries(equal).every(([name, value]) => facts[name as keyof typeof equal] === value) &&
    (method === undefined || facts.method?.toUpperCase() === method.toUpperCase()) &&
    (path === undefined || (facts.path !== undefined && patternOf(path).test(facts.path))) &&
    (action === undefined || (facts.actions ?? []).includes(action)) &&
    (contains === undefined || facts.text.includes(contains))
  );
}

function patternOf(path: string): RegExp {
  const parts = path.split("*").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "s");
}
