// Calls that fail: `Failing url|http (METHOD URL MILLISECONDS BYTES)...`, as failing.py makes them: by HttpURLConnection or
// by java.net.http, which offers h2c where it may.
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.cert.X509Certificate;
import java.time.Duration;
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
        if (milliseconds > 0) request.timeout(Duration.ofMillis(milliseconds));
        request.method(method, size == 0 ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString("u".repeat(size)));
        HttpClient by = url.contains("+any") ? HttpClient.newBuilder().sslContext(trusting).build() : client;
        return by.send(request.build(), HttpResponse.BodyHandlers.ofString()).statusCode();
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
