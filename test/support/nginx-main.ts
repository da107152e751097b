/** The configuration of an nginx that keeps all its files in a folder, with `http` inside its http block. */
export function nginxMain(folder: string, http: string): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr error;
events { worker_connections 4096; }
http {
  access_log off;
  ${temporary.map((of) => `${of}_temp_path ${folder}/${of};`).join("\n  ")}
  ${http}
}
`;
}
