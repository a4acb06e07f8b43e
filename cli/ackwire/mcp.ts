import type { Command } from "./command.ts";

/** `mcp`: both APIs as tools of a Model Context Protocol server, over standard input and output. */
export const mcpCommand: Command = {
  words: "mcp",
  summary: "Serves the APIs as tools of the Model Context Protocol, over standard input and output",
  positionals: [],
  options: {
    "allow-writes": {
      type: "boolean",
      describe: "Also offer the operations that change something",
    },
  },
  examples: ["mcp", "mcp --allow-writes", "mcp --stage prod"],
  async run(values, place) {
    const { StdioServerTransport } = await import("@modelcontextprotocol/sdk/server/stdio.js");
    const { mcpServer } = await import("./mcp-server.ts");
    const server = mcpServer(await place(), { allowWrites: values["allow-writes"] === true });
    const closed = new Promise<void>((resolve) => {
      server.onclose = resolve;
      // The transport does not notice that its client is gone.
      process.stdin.once("end", resolve);
    });
    await server.connect(new StdioServerTransport());
    await closed;
    return undefined;
  },
};
