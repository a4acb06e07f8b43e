import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Behaviour, Heard, Post, Told } from "./endpoints.ts";

/** The subscribers' endpoints, in a process of their own. */
export interface EndpointsProcess {
  urlOf(n: number): string;
  /** Makes an endpoint answer; before that nobody is there. */
  add(endpoint: { n: number; behaviour: Behaviour; secret: string }): void;
  behave(n: number, behaviour: Behaviour): void;
  /** Every POST that has arrived so far, in their order. */
  posts: readonly Post[];
  close(): void;
}

export async function startEndpoints(): Promise<EndpointsProcess> {
  const child = fork(fileURLToPath(new URL("./endpoints.ts", import.meta.url)), {
    // Ctrl-C at the terminal is for who started it.
    detached: true,
  });
  const posts: Post[] = [];
  const listening = Promise.withResolvers<number>();
  child.on("message", (heard: Heard) => {
    if (heard.kind === "listening") listening.resolve(heard.port);
    else posts.push(...heard.posts);
  });
  let isClosing = false;
  child.once("exit", () => {
    // Nothing that was measured after it would mean anything.
    if (!isClosing) throw new Error("the endpoints' process ended");
  });
  const port = await listening.promise;
  const tell = (told: Told) => child.send(told);
  return {
    urlOf: (n) => `http://127.0.0.1:${port}/hook/${n}`,
    add: (endpoint) => tell({ kind: "endpoint", ...endpoint }),
    behave: (n, behaviour) => tell({ kind: "behave", n, behaviour }),
    posts,
    close() {
      isClosing = true;
      child.disconnect();
    },
  };
}
