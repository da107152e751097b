import { connect, type Socket } from "node:net";

// A process of its own that holds many streams over raw sockets and counts the frames that come. Its parent tells it what
// to open, and asks for the count.
//
//   { open: number, port: number, request: string } → "open" once every stream has answered
//   "count"                                         → { frames, bytes }

interface Open {
  readonly open: number;
  readonly port: number;
  readonly request: string;
}

const FRAME_END = Buffer.from("\n\n");

let frames = 0;
let bytes = 0;

process.on("message", (message: Open | "count") => {
  if (message === "count") process.send?.({ frames, bytes });
  else void openAll(message).then(() => process.send?.("open"));
});

async function openAll({ open, port, request }: Open): Promise<void> {
  // A few at a time: thousands of connections at once would measure the backlog.
  for (let opened = 0; opened < open; opened += 50) {
    const group = Array.from({ length: Math.min(50, open - opened) }, () => openOne(port, request));
    await Promise.all(group);
  }
}

function openOne(port: number, request: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(port, "127.0.0.1", () => socket.write(request));
    socket.once("data", () => resolve());
    socket.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      for (let at = chunk.indexOf(FRAME_END); at !== -1; at = chunk.indexOf(FRAME_END, at + 2)) frames += 1;
    });
    socket.on("error", reject);
  });
}
