import { spawn } from "node:child_process";

/** Ends the processes that it knows when this process ends, however it ends. */
export interface ProcessReaper {
  add(pid: number): void;
  /** Call it when the process has exited, because its id may be used again. */
  remove(pid: number): void;
  close(): void;
}

/**
 * Reads `+ pid` and `- pid` until the other end of its input is closed, which the
 * operating system does for a process that was killed. Ctrl-C reaches every process
 * of the terminal, but the run then still needs its processes.
 */
const SCRIPT = `
trap '' INT TERM HUP
pids=' '
while read -r sign pid; do
  case $sign in
    +) pids="$pids$pid " ;;
    -) case $pids in *" $pid "*) pids="\${pids%%" $pid "*} \${pids#*" $pid "}" ;; esac ;;
  esac
done
[ "$pids" = ' ' ] || kill -9 $pids 2>/dev/null
`;

/**
 * Starts a shell that waits for the end of this process: a function's own process
 * cannot notice it while its code blocks the thread. Without a POSIX shell nothing
 * is started, and the processes notice the end by themselves when they are idle.
 */
export function startReaper(): ProcessReaper {
  const shell = spawn("/bin/sh", ["-c", SCRIPT], { stdio: ["pipe", "ignore", "ignore"] });
  shell.on("error", () => undefined);
  shell.stdin.on("error", () => undefined);
  shell.unref();
  const tell = (line: string) => void (shell.stdin.writable && shell.stdin.write(`${line}\n`));
  return {
    add: (pid) => tell(`+ ${pid}`),
    remove: (pid) => tell(`- ${pid}`),
    close: () => shell.stdin.end(),
  };
}
