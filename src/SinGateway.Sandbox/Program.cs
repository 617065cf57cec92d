Console.WriteLine("singateway-sandbox");
