/** The message of an error and of its causes: AWS's own names the action and the resource. */
export function messagesOf({ message, cause }: Error): string[] {
  return [message, ...(cause instanceof Error ? messagesOf(cause) : [])];
}
