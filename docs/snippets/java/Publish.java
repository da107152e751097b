import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.UUID;

/**
 * Publishes one event, and answers once it is stored.
 *
 * <p>Usage: SLUICE_TOKEN=<token> java Publish.java http://localhost:8083 issues.opened Hello-World '{"title":"from Java"}'
 */
public final class Publish {
  public static void main(String[] args) throws Exception {
    String event =
        """
        {"id":"%s","type":"%s","key":"%s","data":%s}"""
            .formatted(UUID.randomUUID(), args[1], args[2], args[3]);
    System.out.println(publish(args[0], System.getenv("SLUICE_TOKEN"), event));
  }

  /** Sends the event until it is stored: with an id of its own it is stored once, however often it is sent. */
  static String publish(String base, String token, String event) throws Exception {
    HttpClient client = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(base + "/v1/events"))
            .timeout(Duration.ofSeconds(15))
            .header("Authorization", "Bearer " + token)
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(event))
            .build();
    for (long waitMs = 100; waitMs < 60_000; waitMs *= 2) {
      long pauseMs = waitMs;
      try {
        HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() == 200) return answer.body();
        if (answer.statusCode() != 429 && answer.statusCode() != 503) {
          throw new IllegalStateException("refused: " + answer.body());
        }
        pauseMs = answer.headers().firstValueAsLong("Retry-After").orElse(1) * 1_000;
      } catch (IOException broken) {
        System.err.println("no answer: " + broken.getMessage());
      }
      Thread.sleep(pauseMs);
    }
    throw new IllegalStateException("the event may not be stored: send it again with the same id");
  }
}
