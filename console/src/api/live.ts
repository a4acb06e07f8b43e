import {
  type InfiniteData,
  type Query,
  QueryClient,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { onSessionChange } from "../session.ts";
import { type Answer, ApiProblem, type Change, call, type Input, type Look } from "./call.ts";

const MIN_INTERVAL_MS = 2_000;
const MAX_INTERVAL_MS = 30_000;

/** A page that does not change is asked for less and less often: after this many times, half as often. */
const UNCHANGED_TIMES = 5;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: MIN_INTERVAL_MS,
      // What the caller did wrong stays wrong; everything else is polled again anyway.
      retry: (count, error) => count < 1 && !isRefusal(error),
      refetchOnWindowFocus: "always",
    },
  },
});

// Answers are of the key that asked for them: the next key sees none of them, and calls that are
// under way are ended.
onSessionChange(() => queryClient.clear());

const isRefusal = (error: unknown): boolean =>
  error instanceof ApiProblem && error.status >= 400 && error.status < 500;

interface Polled {
  data: unknown;
  updatedAt: number;
  unchanged: number;
}

const polled = new WeakMap<object, Polled>();

/** After a change by this person, pages follow its effect for so long without slowing down. */
const ATTENTIVE_MS = 30_000;

let changedAtMs = Number.NEGATIVE_INFINITY;

/**
 * The time until a query's next poll: 2 s, doubled for each five polls without a change and for
 * each failure, up to 30 s. A hidden tab does not poll.
 */
// biome-ignore lint/suspicious/noExplicitAny: it is given queries of every type
export function pollAfterMs(query: Query<any, any, any, any>): number {
  const { data, dataUpdatedAt: updatedAt, status, errorUpdateCount } = query.state;
  const before = polled.get(query);
  let unchanged = before?.unchanged ?? 0;
  if (before === undefined || !isSame(before.data, data)) unchanged = 0;
  else if (before.updatedAt !== updatedAt) unchanged++;
  polled.set(query, { data, updatedAt, unchanged });
  const isAttentive = Date.now() - changedAtMs < ATTENTIVE_MS;
  const slower = isAttentive ? 0 : Math.floor(unchanged / UNCHANGED_TIMES);
  const failures = status === "error" ? Math.max(errorUpdateCount, 1) : 0;
  return Math.min(MIN_INTERVAL_MS * 2 ** (slower + failures), MAX_INTERVAL_MS);
}

/** Equal answers keep their identity, and that of their members; `at` is the time of an answer. */
function isSame(before: unknown, now: unknown): boolean {
  if (before === now) return true;
  if (typeof before !== "object" || typeof now !== "object" || !before || !now) return false;
  const earlier: Record<string, unknown> = { ...before };
  return Object.entries(now).every(([name, value]) => name === "at" || earlier[name] === value);
}

/** Calls an operation that looks, and repeats it while the page is open. */
export function useLook<Of extends Look>(
  route: Of,
  input: Input<Of> = {},
  { enabled = true, live = true }: { enabled?: boolean; live?: boolean } = {},
) {
  return useQuery<Answer<Of>>({
    queryKey: [route, input],
    queryFn: ({ signal }) => call(route, input, signal),
    enabled,
    ...(live ? { refetchInterval: pollAfterMs } : { staleTime: Number.POSITIVE_INFINITY }),
  });
}

/** A page of a list, as every operation with a cursor answers it. */
interface Page<Item> {
  items: Item[];
  nextCursor?: string | undefined;
}

/**
 * Lists page by page. The first page is live; once older ones are loaded, the list stands still,
 * so that nothing moves under the reader and polls stay small.
 */
export function usePages<Of extends Look, Item>(route: Of, input: Input<Of>, enabled = true) {
  return useInfiniteQuery<
    Page<Item>,
    Error,
    InfiniteData<Page<Item>>,
    unknown[],
    string | undefined
  >({
    queryKey: [route, input, "pages"],
    queryFn: async ({ pageParam, signal }) => {
      const query = { ...input.query, cursor: pageParam };
      return (await call(route, { ...input, query } as Input<Of>, signal)) as Page<Item>;
    },
    initialPageParam: undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor,
    enabled,
    refetchInterval: (query) =>
      (query.state.data?.pages.length ?? 1) > 1 ? false : pollAfterMs(query),
    refetchOnWindowFocus: (query) => ((query.state.data?.pages.length ?? 1) > 1 ? false : "always"),
  });
}

/** Calls an operation that changes something, and reads everything on the page again. */
export function useChange<Of extends Change>(route: Of) {
  const client = useQueryClient();
  return useMutation<Answer<Of>, Error, Input<Of>>({
    mutationFn: (input) => call(route, input),
    onSettled: () => {
      changedAtMs = Date.now();
      return client.invalidateQueries();
    },
  });
}
