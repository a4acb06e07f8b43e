import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Behaviour, FromEndpoints, Post, ToEndpoints } from "./endpoints.ts";

/** The subscribers' endpoints, in a process of their own. */
export interface EndpointsProcess {
  urlOf(n: number): string;
  /** Makes an endpoint answer; before that the path has no endpoint. */
  add(endpoint: { n: number; behaviour: Behaviour; secret: string }): void;
  behave(n: number, behaviour: Behaviour): void;
  /** Every POST that has arrived so far, in their order. */
  posts: readonly Post[];
  close(): void;
}

export async function startEndpoints(): Promise<EndpointsProcess> {
  const child = fork(fileURLToPath(new URL("./endpoints.ts", import.meta.url)), {
    // Ctrl-C at the terminal is handled by the parent process.
    detached: true,
  });
  const posts: Post[] = [];
  const listening = Promise.withResolvers<number>();
  child.on("message", (message: FromEndpoints) => {
    if (message.kind === "listening") listening.resolve(message.port);
    else posts.push(...message.posts);
  });
  let isClosing = false;
  child.once("exit", () => {
    // Later measurements would be meaningless.
    if (!isClosing) throw new Error("the endpoints' process ended");
  });
  const port = await listening.promise;
  const send = (message: ToEndpoints) => child.send(message);
  return {
    urlOf: (n) => `http://127.0.0.1:${port}/hook/${n}`,
    add: (endpoint) => send({ kind: "endpoint", ...endpoint }),
    behave: (n, behaviour) => send({ kind: "behave", n, behaviour }),
    posts,
    close() {
      isClosing = true;
      child.disconnect();
    },
  };
}
