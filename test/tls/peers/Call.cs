// Requests each URL read from standard input, all on one connection.
using System;
using System.IO;
using System.Net;

class Call
{
    static void Main()
    {
        ServicePointManager.ServerCertificateValidationCallback = (sender, certificate, chain, errors) => true;
        ServicePointManager.SecurityProtocol = SecurityProtocolType.Tls12;
        for (string url; (url = Console.ReadLine()) != null;)
        {
            using (var response = WebRequest.Create(url).GetResponse())
            using (var stream = response.GetResponseStream())
                stream.CopyTo(Stream.Null);
        }
    }
}
