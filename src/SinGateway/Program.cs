Console.WriteLine("singateway");
