import { createServer, type Socket } from "node:net";

// A process of its own that does the least anybody can: it writes the same frame to every connected socket, at a steady
// rate. What it costs per delivery is what the kernel and Node cost.
//
//   started with a frame and a rate per second as arguments; prints its port; begins with the message "begin"

const [frame = "", rate = "1"] = process.argv.slice(2);
const bytes = Buffer.from(frame);
const sockets = new Set<Socket>();
const server = createServer((socket) => {
  socket.setNoDelay(true);
  socket.once("data", () => {
    sockets.add(socket);
    socket.write(": open\n\n");
  });
  socket.on("error", () => sockets.delete(socket));
}).listen(0, "127.0.0.1", () => process.send?.((server.address() as { port: number }).port));

process.on("message", () => {
  const begin = performance.now();
  let written = 0;
  const write = (): void => {
    const due = Math.floor(((performance.now() - begin) * Number(rate)) / 1_000);
    for (; written < due; written += 1) for (const socket of sockets) socket.write(bytes);
    setTimeout(write, 1_000 / Number(rate) / 2);
  };
  write();
});
