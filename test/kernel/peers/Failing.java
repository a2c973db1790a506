// Calls that fail: `Failing url|http (METHOD URL MILLISECONDS BYTES)...`, as failing.py makes them: by HttpURLConnection or
// by java.net.http, which offers h2c where it may. The property `seen` is the FOLDER of failures.py.
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

public class Failing {
    static final X509TrustManager ANY = new X509TrustManager() {
        public void checkClientTrusted(X509Certificate[] chain, String type) {}
        public void checkServerTrusted(X509Certificate[] chain, String type) {}
        public X509Certificate[] getAcceptedIssuers() { return new X509Certificate[0]; }
    };
    static SSLContext trusting;
    static HttpClient client = HttpClient.newHttpClient();

    static int byUrl(String method, String url, int milliseconds, int size) throws Exception {
        HttpURLConnection connection = (HttpURLConnection) URI.create(url.replace("+any", "")).toURL().openConnection();
        if (url.contains("+any")) {
            ((HttpsURLConnection) connection).setSSLSocketFactory(trusting.getSocketFactory());
            ((HttpsURLConnection) connection).setHostnameVerifier((name, session) -> true);
        }
        connection.setRequestMethod(method);
        connection.setConnectTimeout(milliseconds);
        connection.setReadTimeout(milliseconds);
        if (size > 0) {
            connection.setDoOutput(true);
            connection.setFixedLengthStreamingMode(size);
            connection.getOutputStream().write("u".repeat(size).getBytes());
        }
        int status = connection.getResponseCode();
        try (InputStream body = status < 400 ? connection.getInputStream() : connection.getErrorStream()) {
            if (body != null) body.readAllBytes();
        }
        return status;
    }

    static int byHttp(String method, String url, int milliseconds, int size) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url.replace("+any", "")));
        request.method(method, size == 0 ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString("u".repeat(size)));
        HttpClient by = client;
        if (url.contains("+any")) by = HttpClient.newBuilder().sslContext(trusting).build();
        if (milliseconds > 0) by = HttpClient.newBuilder().connectTimeout(Duration.ofMillis(milliseconds)).build();
        CompletableFuture<HttpResponse<String>> answer = by.sendAsync(request.build(), HttpResponse.BodyHandlers.ofString());
        // Its own limit begins long before it connects. The server says when it has the request.
        while (milliseconds > 0 && !answer.isDone() && !Files.exists(Path.of(System.getProperty("seen"), "java.net.http"))) Thread.sleep(10);
        try {
            return (milliseconds > 0 ? answer.get(milliseconds, TimeUnit.MILLISECONDS) : answer.get()).statusCode();
        } catch (TimeoutException error) {
            answer.cancel(true);
            throw error;
        }
    }

    public static void main(String[] words) throws Exception {
        System.setProperty("jdk.internal.httpclient.disableHostnameVerification", "true");
        trusting = SSLContext.getInstance("TLS");
        trusting.init(null, new TrustManager[] {ANY}, null);
        for (int at = 1; at + 3 < words.length; at += 4) {
            int milliseconds = Integer.parseInt(words[at + 2]), size = Integer.parseInt(words[at + 3]);
            try {
                int status = words[0].equals("url") ? byUrl(words[at], words[at + 1], milliseconds, size) : byHttp(words[at], words[at + 1], milliseconds, size);
                System.out.println(words[at + 1] + " " + status);
            } catch (Exception error) {
                System.out.println(words[at + 1] + " " + error);
            }
        }
        System.exit(0);
    }
}
