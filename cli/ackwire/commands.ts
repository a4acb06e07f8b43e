import { adminCommands } from "./admin-passthrough.ts";
import type { Command } from "./command.ts";
import { costCommand } from "./cost.ts";
import { deadLetterCommands } from "./dead-letters.ts";
import { devCommand } from "./dev.ts";
import { doctorCommand } from "./doctor.ts";
import { commandOf } from "./from-operation.ts";
import { listenCommand, tailCommand } from "./listen.ts";
import { mcpCommand } from "./mcp.ts";
import { operationCommands } from "./operation-commands.ts";
import { statusCommand } from "./status.ts";
import { whyCommand } from "./story.ts";
import { triggerCommand } from "./trigger.ts";

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [
  ...[devCommand, statusCommand, whyCommand, tailCommand, listenCommand, triggerCommand],
  ...[doctorCommand, costCommand, mcpCommand],
  ...operationCommands.map(commandOf),
  ...deadLetterCommands,
  ...adminCommands,
];
