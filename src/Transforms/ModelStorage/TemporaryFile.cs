namespace MlNetIcl.Transforms.ModelStorage;

/// <summary>A file for what can be written to files alone, in a folder of its own that goes afterwards.</summary>
internal static class TemporaryFile
{
    public static T Use<T>(string name, Func<string, T> use)
    {
        string folder = Directory.CreateTempSubdirectory("mlneticl").FullName;
        try
        {
            return use(Path.Combine(folder, name));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
