# The proxy in front of a cluster in containers, of Debian's package: the image below it is the one that the services have below theirs.
FROM debian:bookworm-slim
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends haproxy && rm -rf /var/lib/apt/lists/*
COPY haproxy-cluster.cfg /etc/haproxy/haproxy.cfg
COPY haproxy-busy.http /etc/haproxy/haproxy-busy.http
USER haproxy
CMD ["haproxy", "-db", "-f", "/etc/haproxy/haproxy.cfg"]
